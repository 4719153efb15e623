/**
 * What goes of executions, and when: nothing before its time, nothing that something unfinished needs, rows before bytes.
 * The dry run says exactly what then happens.
 */

import assert from 'node:assert/strict'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setJupyterFile } from '../../server/catalog/notebooks.ts'
import { clearWorkingFolders } from '../../server/executions/leftovers.ts'
import {
  collectExecutionOrphans,
  collectNotebookOrphans,
  dropExecutions,
  dropExpiredOutputs,
} from '../../server/executions/retention.ts'
import { getExecution, listExecutions } from '../../server/executions/store.ts'
import type { Pass, Swept } from '../../server/ground/sweep.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeClaim, makeExecution, makeFolder, makeNotebook, makePass } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const DAY_MS = 86_400_000
const NONE = { count: 0, bytes: 0 }

/** A notebook with a file, and executions of it that stand as they are told to, with blobs of theirs. */
async function openRetention(t: TestContext) {
  const db = await openTestDatabase(t)
  const root = await makeFolder(t)
  const blobs = await openFsBlobs(join(root, 'blobs'))
  const { id: notebookId, applicationId } = await makeNotebook(db)
  const upload = () =>
    setJupyterFile(db, blobs, applicationId, notebookId, { name: 'a.ipynb', content: Buffer.from('12345') })
  let notebook = await upload()
  const file = async (id: string, name: string, text: string) => {
    const key = `executions/${id}/1/${name}`
    await blobs.put(key, Buffer.from(text))
    return { key, size: text.length, contentType: 'text/plain' }
  }
  const make = async (status: string, daysAgo?: number) => {
    const id = await makeExecution(db, notebook)
    const inputs = { 'in.csv': await file(id, 'inputs/0', '123') }
    const outputs = {
      'result.ipynb': await file(id, 'outputs/0', '1234'),
      'report.csv': await file(id, 'outputs/1', '1234567'),
    }
    const endedAt = daysAgo === undefined ? null : new Date(Date.now() - daysAgo * DAY_MS)
    await db.query(
      `update executions set status = $2, outputs_completed_at = $3, attempt = 1, input_info = $4, output_info = $5
       where id = $1`,
      [id, status, endedAt, JSON.stringify(inputs), JSON.stringify(outputs)],
    )
    return id
  }
  const keys = async (prefix = 'executions') => {
    const found: string[] = []
    for await (const { key } of blobs.list(prefix)) found.push(key)
    return found.sort()
  }
  return {
    db,
    blobs,
    root,
    notebookId,
    make,
    keys,
    upload: async () => {
      notebook = await upload()
      return notebook
    },
    kept: async () => (await listExecutions(db, notebookId, 100, undefined)).map(({ id }) => id).sort(),
  }
}

/** What a dry run says, which changes nothing, and then what the real pass does, which is the same. */
async function sweep(work: (pass: Pass) => Promise<Swept>, look: () => Promise<unknown>, days = 0): Promise<Swept> {
  const before = await look()
  const told = await work(makePass(days, true))
  assert.deepEqual(await look(), before, 'a dry run changes nothing')
  assert.deepEqual(await work(makePass(days)), told, 'a dry run says what happens')
  assert.deepEqual(await work(makePass(days)), NONE, 'the second pass finds nothing')
  return told
}

test('executions go with everything of theirs when they ended long ago, and no sooner', async (t) => {
  const { db, blobs, make, keys, kept } = await openRetention(t)
  const old = [await make('completed', 91), await make('errored', 100), await make('canceled', 90.1)]
  const young = [await make('completed', 89.9), await make('timeout', 1)]
  const unfinished = [await make('queued'), await make('inProgress'), await make('canceling')]
  await db.query(
    `insert into execution_events (execution_id, id, kind, data) select id, 1, 'phase', '{}' from executions`,
  )
  const look = async () => [await kept(), await keys()]
  const work = (pass: Pass) => dropExecutions({ db, blobs }, pass, 90 * DAY_MS)
  assert.deepEqual(await sweep(work, look), { count: 3, bytes: 3 * 14 })
  assert.deepEqual(await kept(), [...young, ...unfinished].sort())
  assert.ok((await keys()).every((key) => !old.some((id) => key.includes(id))))
  assert.equal((await keys()).length, 15)
  assert.equal((await db.query('select from execution_events')).length, 5)
})

test('more executions than go at once all go, and a pass that is stopped leaves no row without its bytes', async (t) => {
  const { db, blobs, make, keys, kept } = await openRetention(t)
  for (let n = 0; n < 120; n++) await make('completed', 91)
  const stop = new AbortController()
  const stopping: Pass = { ...makePass(), signal: stop.signal }
  const stopped = {
    ...blobs,
    deleteAll: async (prefix: string) => {
      stop.abort(new Error('told to stop'))
      await blobs.deleteAll(prefix)
    },
  }
  await assert.rejects(dropExecutions({ db, blobs: stopped }, stopping, 90 * DAY_MS), /told to stop/)
  assert.deepEqual([(await kept()).length, (await keys()).length], [70, 210])
  assert.equal((await dropExecutions({ db, blobs }, makePass(), 90 * DAY_MS)).count, 70)
  assert.deepEqual([await kept(), await keys()], [[], []])
})

test('a crash between row and bytes leaves what nobody refers to, and it is collected a day later', async (t) => {
  const { db, blobs, make, keys, kept } = await openRetention(t)
  const [gone, expired, whole] = [await make('completed', 91), await make('completed', 8), await make('completed', 2)]
  const crashing = {
    ...blobs,
    delete: () => Promise.reject(new Error('killed')),
    deleteAll: () => Promise.reject(new Error('killed')),
  }
  await assert.rejects(dropExecutions({ db, blobs: crashing }, makePass(), 90 * DAY_MS), /killed/)
  await assert.rejects(dropExpiredOutputs({ db, blobs: crashing }, makePass(), 7 * DAY_MS), /killed/)
  // Every key that a row names is there.
  const rows = await db.query<{ key: string }>(
    `select file->>'key' as key from executions, jsonb_each(input_info || output_info) as files (name, file)`,
  )
  for (const { key } of rows) assert.ok(await blobs.stat(key), key)
  assert.deepEqual([await kept(), rows.length], [[expired, whole].sort(), 5])
  assert.equal((await keys()).length, 9)
  const work = (pass: Pass) => collectExecutionOrphans({ db, blobs }, pass)
  assert.deepEqual(await work(makePass(0.9)), NONE)
  assert.deepEqual(await sweep(work, keys, 1.1), { count: 4, bytes: 14 + 7 })
  assert.deepEqual(await keys(), rows.map(({ key }) => key).sort())
  assert.ok((await keys()).every((key) => !key.includes(gone)))
})

test('outputs go with their links; inputs and results stay, to be looked at and run again', async (t) => {
  const { db, blobs, notebookId, make, keys } = await openRetention(t)
  const old = await make('completed', 7.1)
  const young = await make('completed', 6.9)
  const running = await make('inProgress')
  const work = (pass: Pass) => dropExpiredOutputs({ db, blobs }, pass, 7 * DAY_MS)
  const look = async () => [await keys(), (await getExecution(db, notebookId, old)).outputInfo]
  assert.deepEqual(await sweep(work, look), { count: 1, bytes: 7 })
  const { outputInfo, inputInfo } = await getExecution(db, notebookId, old)
  assert.deepEqual([Object.keys(outputInfo), Object.keys(inputInfo)], [['result.ipynb'], ['in.csv']])
  for (const { key } of [...Object.values(outputInfo), ...Object.values(inputInfo)]) assert.ok(await blobs.stat(key))
  for (const id of [young, running]) {
    assert.equal(Object.keys((await getExecution(db, notebookId, id)).outputInfo).length, 2)
  }
  assert.equal((await keys()).length, 8)
})

test('of an ended execution goes what a lost attempt left; of one that runs nothing, and nothing else of theirs', async (t) => {
  const { db, blobs, make, keys } = await openRetention(t)
  const [ended, running] = [await make('completed', 2), await make('inProgress')]
  for (const id of [ended, running]) {
    await blobs.put(`executions/${id}/2/inputs/0`, Buffer.from('ab'))
    await blobs.put(`executions/${id}/1/partial.ipynb`, Buffer.from('abc'))
  }
  const work = (pass: Pass) => collectExecutionOrphans({ db, blobs }, pass)
  assert.deepEqual(await sweep(work, keys, 1.1), { count: 1, bytes: 2 })
  assert.equal((await keys()).length, 9)
})

test('uploads go that neither their notebook nor an execution of it has', async (t) => {
  const { db, blobs, notebookId, make, keys, upload } = await openRetention(t)
  await make('queued')
  await upload()
  await upload()
  await blobs.put('notebooks/deleted/a.ipynb', Buffer.from('1'))
  const work = (pass: Pass) => collectNotebookOrphans({ db, blobs }, pass)
  const look = () => keys('notebooks')
  assert.equal((await look()).length, 4)
  assert.deepEqual(await work(makePass(0.9)), NONE)
  // The first upload is what the execution that waits was asked for with.
  assert.deepEqual(await sweep(work, look, 1.1), { count: 2, bytes: 6 })
  await db.query('delete from executions where notebook_id = $1', [notebookId])
  assert.deepEqual(await sweep(work, look, 1.1), { count: 1, bytes: 5 })
})

test('working folders go that their attempt has left behind, and no others', async (t) => {
  const { db, root } = await openRetention(t)
  const notebook = await makeNotebook(db)
  await makeExecution(db, notebook)
  const { id } = await makeClaim(db)
  const worker = join(root, 'work', 'a-worker')
  const [held, left, job] = [`${id}-1`, `${id}-0`, `job-${id}-3`]
  const old = new Date(Date.now() - 2 * DAY_MS)
  for (const name of [held, left, job, 'kernels']) {
    await mkdir(join(worker, name), { recursive: true })
    await writeFile(join(worker, name, 'file'), '12')
    await utimes(join(worker, name), old, old)
  }
  await mkdir(join(worker, `${id}-7`))
  const work = (pass: Pass) => clearWorkingFolders(db, join(root, 'work'), pass)
  assert.deepEqual(await sweep(work, () => readdir(worker)), { count: 2, bytes: 4 })
  assert.deepEqual((await readdir(worker)).sort(), [`${id}-7`, held, 'kernels'].sort())
})
