/**
 * What runs and jobs of one application reach when they are told of another one's things: by an id as it is, by a template
 * that becomes one, by a tag, a query for everything, a path. Each input, output and kind of job there is.
 */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NotebookInput, NotebookOutput } from '../../contract/notebook-files.ts'
import { firstFailure, gatherInputs } from '../../server/executions/staging.ts'
import { getExecution } from '../../server/executions/store.ts'
import { AppError } from '../../server/ground/errors.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import { createTurns } from '../../server/ground/turns.ts'
import { jobKinds } from '../../server/job-kinds.ts'
import { endHeld, type FullApplication, hold, makeFullApplication } from '../support/full-application.ts'
import { makeCells, makeExecution } from '../support/make.ts'
import { openTenancyDoor, sumOf } from '../support/tenancy.ts'

async function openScene(t: TestContext) {
  const door = await openTenancyDoor(t)
  const own = await makeFullApplication(t, door, 'markA')
  const foreign = await makeFullApplication(t, door, 'markB')
  const first = Object.fromEntries(Object.entries(foreign.ids).map(([name, [id = '']]) => [name, id]))
  const { db, blobs, duckdb, telemetry, folder } = door
  const fetching = { maxBytes: 1_000_000, timeoutMs: 5000, allowPrivate: false }
  const idsOf = ({ id, ids }: FullApplication) => [id, ...Object.values(ids).flat()]
  return {
    ...door,
    own,
    foreign,
    /** An id of each kind of the other application. */
    id: (name: string) => first[name] ?? '',
    ctx: { ...first, mark: foreign.mark, application: foreign.id, path: `/folder_${foreign.mark}/shared.txt` },
    sources: { db, blobs, duckdb, telemetry, fetching },
    makeFolder: () => mkdtemp(join(folder, 'made-')),
    /** Everything of the other application that a text tells. */
    told: (text: string) => [foreign.mark, ...idsOf(foreign)].filter((one) => text.includes(one)),
    sum: () => sumOf(door, idsOf(foreign), [own.id, own.ownerId]),
  }
}

type Scene = Awaited<ReturnType<typeof openScene>>

/** Ways to choose devices of somebody else. */
const selections = ({ id, foreign }: Scene) => [
  { deviceIds: [id('deviceId')] },
  { deviceIds: ['{{ctx.deviceId}}', '{{upper ctx.deviceId}}'] },
  { deviceTags: [{ key: 'site', value: foreign.mark }] },
  { deviceTags: [{ key: 'site', value: '{{ctx.mark}}' }] },
  { deviceTags: [{ key: 'site' }] },
  { queryJson: '{}' },
  { queryJson: '{"id":"{{ctx.deviceId}}"}' },
  { queryJson: '{"$or":[{"parentId":"{{ctx.deviceId}}"},{"name":{"$ne":"x"}}]}' },
]

const range = { start: -86_400_000, end: 0 }

/** Each input with each way to mean something of somebody else. */
function inputsOf(scene: Scene): NotebookInput[] {
  const { id, foreign, own, ctx } = scene
  const chosen = selections(scene)
  const paths = [
    ctx.path,
    '{{ctx.path}}',
    `/${foreign.id}${ctx.path}`,
    `../${foreign.id}${ctx.path}`,
    `/files/${foreign.id}${ctx.path}`,
  ]
  return [
    ...chosen.map((one) => ({ inputType: 'deviceData' as const, fileName: 'f', ...one, ...range })),
    ...chosen.map((one) => ({ inputType: 'deviceConnectionHistory' as const, fileName: 'f', ...one, ...range })),
    ...chosen.map((one) => ({ inputType: 'deviceMetadata' as const, fileName: 'f', format: 'json' as const, ...one })),
    ...chosen.map((one) => ({ inputType: 'deviceMetadata' as const, fileName: 'f', ...one })),
    ...[id('dataTableId'), '{{ctx.dataTableId}}', id('dataTableId').toUpperCase()].map((dataTableId) => ({
      inputType: 'dataTable' as const,
      fileName: 'f',
      dataTableId,
      queryJson: '{}',
    })),
    ...['', '{}', '{"deviceId":"{{ctx.deviceId}}"}', '{"id":"{{ctx.eventId}}"}'].flatMap((queryJson) =>
      (['csv', 'json'] as const).map((format) => ({
        inputType: 'eventData' as const,
        fileName: 'f',
        format,
        queryJson,
      })),
    ),
    ...paths.flatMap((filePath) =>
      [true, false].map((isPrivate) => ({
        inputType: 'applicationFile' as const,
        fileName: 'f',
        filePath: filePath.replace(own.mark, foreign.mark),
        private: isPrivate,
      })),
    ),
  ]
}

test('inputs have nothing of another application, however it is named', async (t) => {
  const scene = await openScene(t)
  const { own, foreign, ctx, sources, told } = scene
  const inputs = inputsOf(scene)
  /** What the input of a run of that application would be, or why there is none. */
  const gather = async (input: NotebookInput, applicationId: string) => {
    const [folder, scratch] = [await scene.makeFolder(), await scene.makeFolder()]
    const gathered = await gatherInputs([input], undefined, folder, {
      ...sources,
      applicationId,
      relativeTo: new Date(Date.now() + 60_000),
      context: { ctx, globals: {} },
      signal: new AbortController().signal,
      inTurn: createTurns(2),
      scratch: () => join(scratch, newId()),
      warn: () => {},
    })
    const failure = firstFailure([input], gathered)
    return { failure, text: failure ? '' : await readFile(join(folder, 'f'), 'utf8') }
  }
  let [reached, refused] = [0, 0]
  for (const input of inputs) {
    const what = JSON.stringify(input)
    const { failure, text } = await gather(input, own.id)
    assert.deepEqual(told(text), [], what)
    if (failure) {
      refused += 1
      assert.match(failure.message, /Input "f"/, `${what} is refused by name`)
    }
    const theirs = await gather(input, foreign.id)
    if (told(theirs.text).length > 0) reached += 1
  }
  t.diagnostic(
    `${inputs.length} inputs: ${refused} refused by name; of the application itself ${reached} have something`,
  )
  assert.ok(reached > inputs.length / 2, 'most of them mean something where it is')
})

test('outputs change nothing of another application, whatever their templates become', async (t) => {
  const scene = await openScene(t)
  const { db, own, ctx, id, foreign, sum } = scene
  const before = await sum()
  const table = { outputType: 'dataTable' as const, createMissingColumns: true, truncateExistingTable: true }
  const file = { outputType: 'file' as const, destinationFileNameTemplate: 'shared.txt' }
  const outputs: NotebookOutput[] = [
    { ...table, fileName: 'a.csv', dataTableId: id('dataTableId') },
    { ...table, fileName: 'b.csv', dataTableId: '{{ctx.dataTableId}}' },
    { ...file, fileName: 'c.txt', destinationDirectoryTemplate: `/../${foreign.id}/folder_${foreign.mark}` },
    { ...file, fileName: 'd.txt', destinationDirectoryTemplate: '/folder_{{ctx.mark}}', destinationPrivate: true },
    { ...file, fileName: 'e.txt', destinationDirectoryTemplate: '/{{ctx.application}}/folder_{{ctx.mark}}' },
    { outputType: 'executionResult', fileName: 'result.log', destinationDirectoryTemplate: '/folder_{{ctx.mark}}' },
  ]
  const notebook = await makeCells(scene, ['1'], { applicationId: own.id, outputs })
  const executionId = await makeExecution(db, notebook)
  await hold(db, executionId)
  const names = ['a.csv', 'b.csv', 'c.txt', 'd.txt', 'e.txt']
  const written = Object.fromEntries(names.map((name) => [name, 'word\nchanged\n']))
  const log = join(scene.folder, 'log')
  await writeFile(log, 'printed')
  await endHeld(
    t,
    scene,
    { notebookId: notebook.id, executionId },
    { written, ctx, results: new Map([['result.log', log]]) },
  )
  const { errors } = await getExecution(db, notebook.id, executionId)
  const failed = errors.map(({ output }) => output)
  assert.deepEqual(
    failed.filter((name) => name?.endsWith('.csv')),
    ['a.csv', 'b.csv'],
    JSON.stringify(errors),
  )
  for (const { message } of errors.slice(0, 2)) assert.match(message, /Data table was not found/)
  assert.deepEqual(await sum(), before)
  const placed = await db.query<{ application_id: string }>(
    `select distinct application_id from files where author_type = 'notebook'`,
  )
  assert.deepEqual(placed, [{ application_id: own.id }], 'files went to the tree of the application itself')
})

test('jobs of one application neither tell nor change anything of another', async (t) => {
  const scene = await openScene(t)
  const { own, sources, id, told, sum, foreign } = scene
  const before = await sum()
  const work = jobKinds(sources, {
    renderer: { render: () => Promise.reject(new Error('nothing is rendered')) } as never,
    image: () => Promise.reject(new Error('no image')),
  })
  const times = { start: 1, end: Date.now() + 60_000 }
  const source = { sourceType: 'user' as const, sourceId: own.ownerId, sourceName: 'someone' }
  const now = new Date(Date.now() + 60_000).toISOString()
  const fields = { updateFields: { description: 'changed' } }
  const jobs: [kind: string, input: object, resourceId?: string][] = [
    ['dataExport', { ...times, deviceIds: [id('deviceId')] }],
    ['dataExport', { ...times, deviceTags: [{ key: 'site' }] }],
    ['dataExport', { ...times, deviceQuery: {} }],
    ['dataRemoval', { ...times, deviceIds: [id('deviceId')], keepConnectionHistory: false }],
    ['devicesPatch', { patch: { deviceIds: [id('deviceId')], ...fields } }],
    ['devicesPatch', { patch: { query: { id: id('deviceId') }, ...fields } }],
    ['devicesExport', { query: {}, format: 'json' }],
    ['devicesRestore', { query: {} }],
    ['rowsExport', { wanted: { query: {} } }, id('dataTableId')],
    ['eventsExport', { query: {}, format: 'json', excludeUpdates: false }],
    ['eventsPatch', { choice: { query: {} }, patch: { comment: 'changed' }, source, before: now }],
    ['eventsPatch', { choice: {}, patch: { deviceId: id('deviceId') }, source, before: now }],
    ['eventsDelete', { query: {}, before: now }],
    ['notebookInputs', { relativeTo: now }, id('notebookId')],
    ['renderResult', { executionId: id('executionId'), fileName: 'result.html' }, own.ids['notebookId']?.[0] ?? ''],
    // Last, when there is nothing left to look for: everything.
    ['dataRemoval', { ...times, deviceQuery: {}, keepConnectionHistory: false }],
    ['devicesDelete', { query: {} }],
  ]
  assert.deepEqual([...new Set(jobs.map(([kind]) => kind))].sort(), Object.keys(work).sort(), 'every kind of job')
  const refusals: string[] = []
  for (const [kind, input, resourceId] of jobs) {
    const job = {
      id: newId(),
      applicationId: own.id,
      kind,
      name: 'a job',
      resourceType: 'device' as const,
      ...(resourceId ? { resourceId } : {}),
    }
    const running = {
      ...job,
      requester: { type: 'user' as const, id: own.ownerId },
      input: { ...input },
      baseUrl: '',
      attempt: 1,
      lostAttempts: 0,
    }
    const tools = {
      folder: await scene.makeFolder(),
      signal: new AbortController().signal,
      progress: () => {},
      log: createLog('silent'),
    }
    try {
      const { files = [], output = {} } = (await work[kind]?.(running, tools)) ?? {}
      const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8')))
      assert.deepEqual(told([...texts, JSON.stringify(output)].join('\n')), [], `${kind} ${JSON.stringify(input)}`)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      refusals.push(`${kind}: ${error.message}`)
    }
  }
  assert.deepEqual(refusals, [
    'rowsExport: Data table was not found',
    'eventsPatch: updates.deviceId must be the id of a device of this application',
    'notebookInputs: Notebook was not found',
    'renderResult: Execution was not found',
  ])
  assert.deepEqual(await sum(), before, `${foreign.mark} is as it was`)
})
