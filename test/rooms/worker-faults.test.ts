/**
 * Workers that are processes of their own, killed or stopped in each phase of a run: another one takes the run up, and it
 * has one ending, one set of outputs and one count of minutes. Nothing of the dead is left.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { listFiles } from '../../server/catalog/files/find.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { absentWorkers } from '../../server/executions/presence.ts'
import type { Execution } from '../../server/executions/record.ts'
import { getExecution } from '../../server/executions/store.ts'
import { readStats } from '../../server/executions/usage.ts'
import { openWorker } from '../../server/executions/worker.ts'
import { createLog } from '../../server/ground/log.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { column, makeCells, makeDevice, makeExecution, makeFolder, makeTable } from '../support/make.ts'
import { openTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { processesIn } from '../support/postgres-folder.ts'
import { openRunParts } from '../support/run-parts.ts'
import { until } from '../support/until.ts'

/** Long enough that only the lock can tell of a death. */
const LONG_LEASE_MS = 3_600_000
const SHORT_LEASE_MS = 1500

/** The second attempt is not kept waiting: the folder for inputs is new each time, but this file is the notebook's own. */
const CELL = `import os, time
open(os.environ["OUTPUT_DIR"] + "/rows.csv", "w").write("name\\nx\\ny\\n")
open(os.environ["OUTPUT_DIR"] + "/a.txt", "w").write("done")
time.sleep(1)`

interface Scene {
  readonly db: TestDatabase
  readonly folder: string
  readonly tableId: string
  readonly applicationId: string
  readonly notebookId: string
  readonly id: string
}

/** One execution that waits, with an input from the history of a device, a row and a file as its outputs. */
async function setScene(t: TestContext): Promise<Scene> {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const folder = await makeFolder(t)
  const { applicationId, id: tableId } = await makeTable(db, [column('name')])
  const device = await makeDevice(db, { applicationId })
  const blobs = await openFsBlobs(join(folder, 'blobs'))
  const notebook = await makeCells({ db, blobs }, [CELL], {
    applicationId,
    inputs: [{ inputType: 'deviceData', fileName: 'history.csv', deviceIds: [device.id], start: 1, end: 0 }],
    outputs: [
      { outputType: 'dataTable', fileName: 'rows.csv', dataTableId: tableId },
      { outputType: 'file', fileName: 'a.txt', destinationFileNameTemplate: 'a.txt' },
    ],
  })
  return { db, folder, tableId, applicationId, notebookId: notebook.id, id: await makeExecution(db, notebook) }
}

/** A worker as a process; resolves when it is ready. */
async function startWorker(t: TestContext, { db, folder }: Scene, leaseMs: number) {
  const options = JSON.stringify({ connection: db.connection, folder, leaseMs })
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/worker-main.ts'), options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  const [id] = await once(child.stdout, 'data')
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return { id: String(id).trim(), child, kill }
}

/** A worker of this process, with the same folder. */
async function openSecond(t: TestContext, { db, folder }: Scene, leaseMs: number) {
  const parts = await openRunParts(db, folder, createLog('silent'))
  const worker = await openWorker(parts, { slots: 1, leaseMs, pollMs: LONG_LEASE_MS })
  t.after(async () => {
    await worker[Symbol.asyncDispose]()
    await parts.kernels[Symbol.asyncDispose]()
    await parts.renderer[Symbol.asyncDispose]()
  })
  return worker
}

const read = ({ db, notebookId, id }: Scene) => getExecution(db, notebookId, id)
const untilIs = (scene: Scene, is: (execution: Execution) => boolean) => until(async () => is(await read(scene)))
const ended = ({ status }: Execution) => status !== 'queued' && status !== 'inProgress'

/** Resolves when a statement on this table waits for a lock that the test holds. */
const untilBlocked = (db: Database, table: string) =>
  until(async () => {
    const waiting = await db.query(
      `select from pg_locks join pg_class on pg_class.oid = relation where relname = $1 and not granted`,
      [table],
    )
    return waiting.length > 0
  })

/** What is promised after every fault. */
async function assertOnce(scene: Scene, attempt: number, deadWorker: string): Promise<void> {
  const { db, applicationId, tableId, notebookId, folder } = scene
  const execution = await read(scene)
  assert.deepEqual([execution.status, execution.attempt, execution.errors], ['completed', attempt, []])
  assert.equal((await listRows(db, applicationId, tableId, {})).totalCount, 2)
  const { items } = await listFiles(db, { applicationId, private: false }, {})
  assert.deepEqual(
    items.map(({ name, size_bytes }) => [name, size_bytes]),
    [['a.txt', 4]],
  )
  assert.equal((await readStats(db, [notebookId], new Date()))(notebookId).minutesThisPeriod, 1)
  // What the lost attempt kept is gone with it; the last one's is what the record refers to.
  await until(async () => (await readdir(join(folder, 'blobs/executions', scene.id))).join() === String(attempt))
  await until(async () => !(await readdir(join(folder, 'work'))).includes(deadWorker))
}

for (const [phase, table] of [
  ['inputs', 'hot_states'],
  ['outputs', 'data_tables'],
] as const) {
  test(`a worker killed while it is busy with ${phase} loses nothing: another one does it again, once`, async (t) => {
    const scene = await setScene(t)
    const worker = await startWorker(t, scene, LONG_LEASE_MS)
    await scene.db.transaction(async (tx) => {
      await tx.query(`lock table ${table} in access exclusive mode`)
      await untilBlocked(scene.db, table)
      await worker.kill()
    })
    await openSecond(t, scene, LONG_LEASE_MS)
    await untilIs(scene, ended)
    await assertOnce(scene, 2, worker.id)
    assert.deepEqual(await processesIn(join(scene.folder, 'work', worker.id)), [])
  })
}

test('a worker killed in the middle of a cell takes its kernel along, and another one runs the notebook anew', async (t) => {
  const scene = await setScene(t)
  const worker = await startWorker(t, scene, LONG_LEASE_MS)
  await openSecond(t, scene, LONG_LEASE_MS)
  await untilIs(scene, ({ progress }) => progress.cell === 1)
  await worker.kill()
  await untilIs(scene, ended)
  await assertOnce(scene, 2, worker.id)
  assert.deepEqual(await processesIn(`kernels-${worker.child.pid}`), [])
})

test('a worker stopped past its lease changes nothing when it wakes: its run is done by then', async (t) => {
  const scene = await setScene(t)
  const worker = await startWorker(t, scene, SHORT_LEASE_MS)
  await untilIs(scene, ({ progress }) => progress.cell === 1)
  worker.child.kill('SIGSTOP')
  const second = await openSecond(t, scene, SHORT_LEASE_MS)
  await untilIs(scene, ended)
  assert.deepEqual(await absentWorkers(scene.db, [worker.id]), [])
  const before = await read(scene)
  worker.child.kill('SIGCONT')
  // Awake, it finds its run with somebody else and drops it; then its only slot is free for another one.
  await second.drain(0)
  const notebook = await makeCells({ db: scene.db, blobs: await openFsBlobs(join(scene.folder, 'blobs')) }, ['1'])
  const other = { ...scene, notebookId: notebook.id, id: await makeExecution(scene.db, notebook) }
  await untilIs(other, ended)
  assert.deepEqual(await read(scene), before)
  await worker.kill()
  await assertOnce(scene, 2, worker.id)
})

test('a clock that jumps far ahead takes no run from a worker that lives', async (t) => {
  const scene = await setScene(t)
  const worker = await startWorker(t, scene, SHORT_LEASE_MS)
  const second = await openSecond(t, scene, SHORT_LEASE_MS)
  await untilIs(scene, ({ progress }) => progress.cell === 1)
  // To whoever compares, this is what an hour's jump of the database's clock looks like.
  await scene.db.query(`update executions set lease_until = lease_until - interval '1 hour'`)
  await untilIs(scene, ended)
  assert.equal((await read(scene)).attempt, 1)
  assert.equal(second.running, 0)
  await worker.kill()
  await assertOnce(scene, 1, worker.id)
})
