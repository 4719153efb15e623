/** Notebooks: what is refused when one is saved, what an upload keeps, and what goes when one is deleted. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import type { NotebookInput, NotebookOutput } from '../../contract/notebook-files.ts'
import { getNotebook, listNotebooks, patchNotebook, setJupyterFile } from '../../server/catalog/notebooks.ts'
import { removeNotebook } from '../../server/executions/remove.ts'
import { requestExecution } from '../../server/executions/request.ts'
import { getExecution } from '../../server/executions/store.ts'
import { newId } from '../../server/ground/ids.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeApplication, makeCells, makeExecution, makeFolder, makeNotebook, testLimits } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const input = (fileName: string): NotebookInput => ({ inputType: 'deviceData', fileName, start: -1, end: 0 })
const file = (fileName: string, rest: object = {}): NotebookOutput => ({
  outputType: 'file',
  fileName,
  destinationFileNameTemplate: fileName,
  ...rest,
})
const table = (dataTableId: string): NotebookOutput => ({ outputType: 'dataTable', fileName: 'a.csv', dataTableId })

const refused: [string, { inputs?: NotebookInput[]; outputs?: NotebookOutput[] }, RegExp][] = [
  ['two inputs of one name', { inputs: [input('a'), input('a')] }, /^notebook\.inputs\.1\.fileName "a" is taken/],
  ['an input in the context’s place', { inputs: [input('context.json')] }, /"context\.json" is taken by the execution/],
  [
    'an output twice',
    { outputs: [file('a'), file('a')] },
    /^notebook\.outputs\.1 repeats another output to the letter$/,
  ],
]
for (const [what, post, message] of refused) {
  test(`a notebook with ${what} is refused, new or changed`, async (t) => {
    const db = await openTestDatabase(t)
    await assert.rejects(makeNotebook(db, post), { kind: 'invalid', message })
    const { applicationId, id } = await makeNotebook(db)
    await assert.rejects(patchNotebook(db, applicationId, id, post), { kind: 'invalid', message })
  })
}

test('every type of input is taken', async (t) => {
  const db = await openTestDatabase(t)
  const range = { start: -1, end: 0 }
  const inputs: NotebookInput[] = [
    { inputType: 'deviceData', fileName: 'a', ...range, queryJson: '{}', attributes: ['temp'] },
    { inputType: 'deviceConnectionHistory', fileName: 'b', ...range },
    { inputType: 'deviceMetadata', fileName: 'c', format: 'json' },
    { inputType: 'dataTable', fileName: 'd', dataTableId: '{{ctx.table}}', queryJson: '{}' },
    { inputType: 'eventData', fileName: 'e', format: 'csv' },
    { inputType: 'externalUrl', fileName: 'f', sourceUrl: '{{ctx.url}}' },
    { inputType: 'applicationFile', fileName: 'g', filePath: '/a.csv', private: true },
  ]
  assert.deepEqual((await makeNotebook(db, { inputs })).inputs, inputs)
})

test('one file may go to several places, as long as they are not the same', async (t) => {
  const db = await openTestDatabase(t)
  const outputs = [
    file('a.csv'),
    file('a.csv', { destinationDirectoryTemplate: '/second' }),
    table(newId()),
    table(newId()),
    { outputType: 'temporaryUrl', fileName: 'a.csv' },
  ] as const
  assert.equal((await makeNotebook(db, { outputs: [...outputs] })).outputs.length, 5)
})

test('a change leaves what it does not name, and replaces lists whole', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, id } = await makeNotebook(db, { description: 'd', inputs: [input('a'), input('b')] })
  const changed = await patchNotebook(db, applicationId, id, { inputs: [input('c')], description: '' })
  assert.deepEqual([changed.name, changed.description, changed.imageVersion], ['a notebook', '', 'v4'])
  assert.deepEqual(changed.inputs, [input('c')])
  assert.ok(changed.updatedAt >= changed.createdAt)
  assert.deepEqual((await patchNotebook(db, applicationId, id, { inputs: [] })).inputs, [])
  const { id: other } = await makeApplication(db)
  await assert.rejects(patchNotebook(db, other, id, { name: 'mine' }), { kind: 'notFound' })
  await assert.rejects(getNotebook(db, other, id), { kind: 'notFound' })
})

test('an execution keeps the notebook it was asked with, file and all', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(await makeFolder(t))
  const notebook = await makeCells({ db, blobs }, ['1'], { outputs: [file('old')] })
  const id = await makeExecution(db, notebook)
  await patchNotebook(db, notebook.applicationId, notebook.id, { name: 'new', outputs: [], imageVersion: 'v1' })
  await setJupyterFile(db, blobs, notebook.applicationId, notebook.id, { name: 'b', content: Buffer.from('new') })
  const { snapshot } = await getExecution(db, notebook.id, id)
  assert.deepEqual([snapshot.name, snapshot.outputs, snapshot.imageVersion], ['a notebook', [file('old')], 'v4'])
  assert.match(String(await blobs.read(snapshot.jupyterBlobKey)), /nbformat/)
  const { items } = await listNotebooks(db, notebook.applicationId, { sortField: 'lastExecutionRequested' })
  assert.equal(items[0]?.jupyterFile?.name, 'b')
})

test('an upload to a notebook that is gone leaves no bytes', async (t) => {
  const db = await openTestDatabase(t)
  const root = await makeFolder(t)
  const blobs = await openFsBlobs(root)
  const { id: applicationId } = await makeApplication(db)
  const upload = setJupyterFile(db, blobs, applicationId, newId(), { name: 'a', content: Buffer.from('x') })
  await assert.rejects(upload, { kind: 'notFound' })
  assert.deepEqual(
    (await readdir(root, { recursive: true, withFileTypes: true })).filter((e) => e.isFile()),
    [],
  )
})

test('deleting a notebook takes its executions and their bytes along, and nothing of another', async (t) => {
  const db = await openTestDatabase(t)
  const root = await makeFolder(t)
  const blobs = await openFsBlobs(root)
  const [gone, stays] = [await makeCells({ db, blobs }, ['1']), await makeCells({ db, blobs }, ['1'])]
  const [lost, kept] = [await makeExecution(db, gone), await makeExecution(db, stays)]
  for (const id of [lost, kept]) await blobs.put(`executions/${id}/1/outputs/0`, Buffer.from('x'))
  await removeNotebook(db, blobs, gone)
  await assert.rejects(getExecution(db, gone.id, lost), { kind: 'notFound' })
  assert.deepEqual(
    [await readdir(join(root, 'executions')), await readdir(join(root, 'notebooks'))],
    [[kept], [stays.id]],
  )
  await assert.rejects(removeNotebook(db, blobs, gone), { kind: 'notFound' })
})

test('a request that cannot be run is refused before anything is queued', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(await makeFolder(t))
  const [empty, ready] = [await makeNotebook(db), await makeCells({ db, blobs }, ['1'])]
  const ask = (notebook: typeof ready, options: object) =>
    requestExecution(db, notebook, options, { sourceType: 'user', sourceId: newId() }, testLimits, new Date())
  await assert.rejects(ask(empty, {}), { kind: 'invalid', message: /no Jupyter file yet/ })
  for (const [options, message] of [
    [{ relativeTo: 'whenever' }, /^executionOptions\.relativeTo must be a time/],
    [{ templateContext: '{a: 1}' }, /^executionOptions\.templateContext must be JSON text/],
  ] as const) {
    await assert.rejects(ask(ready, options), { kind: 'invalid', message })
  }
  assert.deepEqual(await db.query('select id from executions'), [])
  const now = Date.now()
  const { relativeTo } = await getExecution(
    db,
    ready.id,
    await ask(ready, { relativeTo: -1000, templateContext: '[1]' }),
  )
  assert.ok(Math.abs(now - 1000 - relativeTo.getTime()) < 60_000)
})
