/** Workers with real kernels: runs to their end, slots, cancellations, and what happens to a run when its worker goes. */

import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { listFiles } from '../../server/catalog/files/find.ts'
import { claimExecution } from '../../server/executions/claim.ts'
import { absentWorkers, openPresence } from '../../server/executions/presence.ts'
import type { Execution } from '../../server/executions/record.ts'
import type { RunParts } from '../../server/executions/run.ts'
import { cancelExecution, getExecution, QUEUED } from '../../server/executions/store.ts'
import { openWorker } from '../../server/executions/worker.ts'
import { openSandbox } from '../../server/sandbox/process.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { patient } from '../../server/stores/postgres/away.ts'
import type { Database, Queryable } from '../../server/stores/postgres/database.ts'
import { makeCells, makeExecution, makeNotebook, makeRunParts } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** Nothing but a notification may wake a worker, and no lease runs out, unless a test says so. */
const NEVER_MS = 3_600_000
const ONLY_NOTIFIED = { slots: 1, pollMs: NEVER_MS, leaseMs: NEVER_MS }

const WRITE = 'import os; open(os.environ["OUTPUT_DIR"] + "/a.txt", "w").write("done")'
const WRITTEN = { outputType: 'file', fileName: 'a.txt', destinationFileNameTemplate: 'a.txt' } as const
/** Runs until somebody ends it. */
const FOR_EVER = 'import threading; threading.Event().wait()'

/** Looking without a pause would take a core from the kernel that is awaited. */
const LOOK_AGAIN_MS = 20

type Where = { notebookId: string; id: string }

/** Resolves with the execution once it is what the test waits for; the test runner's own limit is the end of patience. */
async function until(db: Queryable, { notebookId, id }: Where, is: (execution: Execution) => boolean) {
  for (;;) {
    const execution = await getExecution(db, notebookId, id)
    if (is(execution)) return execution
    await pause(LOOK_AGAIN_MS)
  }
}

const ended = ({ status }: Execution) => ['completed', 'errored', 'timeout', 'canceled'].includes(status)
const inCell = ({ progress }: Execution) => progress.phase === 'notebook' && progress.cell > 0

const isLater = (time: Date | undefined, than: Date | undefined) => Number(time) > Number(than)

async function start(db: Database, parts: RunParts, cells: string[]) {
  const notebook = await makeCells(parts, cells, { outputs: [WRITTEN] })
  const id = await makeExecution(db, notebook)
  return { notebookId: notebook.id, applicationId: notebook.applicationId, id }
}

test('a queued execution wakes the worker, runs to its end and leaves its outputs', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using worker = await openWorker(parts, ONLY_NOTIFIED)
  const run = await start(db, parts, [WRITE])
  const execution = await until(db, run, ended)
  assert.deepEqual([execution.status, execution.errors, execution.attempt], ['completed', [], 1])
  assert.deepEqual(execution.progress, { phase: 'finished', cell: 1, cells: 1 })
  assert.ok(execution.inputsCompletedAt && execution.notebookCompletedAt && execution.outputsCompletedAt)
  const { items } = await listFiles(db, { applicationId: run.applicationId, private: false }, {})
  assert.deepEqual(
    items.map(({ name, size_bytes }) => [name, size_bytes]),
    [['a.txt', 4]],
  )
  assert.ok(worker.running <= 1)
})

test('a worker never runs more than it has slots for, and takes the next when one is free', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using worker = await openWorker(parts, { ...ONLY_NOTIFIED, slots: 2 })
  const [first, second, third] = [
    await start(db, parts, [FOR_EVER]),
    await start(db, parts, [FOR_EVER]),
    await start(db, parts, [WRITE]),
  ]
  await until(db, first, inCell)
  await until(db, second, inCell)
  assert.equal(worker.running, 2)
  assert.equal((await getExecution(db, third.notebookId, third.id)).status, 'queued')
  await cancelExecution(db, second.notebookId, second.id)
  assert.equal((await until(db, second, ended)).status, 'canceled')
  assert.equal((await until(db, third, ended)).status, 'completed')
  assert.equal((await getExecution(db, first.notebookId, first.id)).status, 'inProgress')
})

test('a canceled run keeps what it printed and stores none of its outputs', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using _worker = await openWorker(parts, ONLY_NOTIFIED)
  const run = await start(db, parts, [`print("so far", flush=True); ${WRITE}`, FOR_EVER])
  await until(db, run, ({ progress }) => progress.cell === 2)
  await cancelExecution(db, run.notebookId, run.id)
  const execution = await until(db, run, ended)
  assert.deepEqual(
    [execution.status, execution.errors.map(({ name }) => name), Object.keys(execution.outputInfo).sort()],
    ['canceled', ['Canceled'], ['result.error.log', 'result.ipynb', 'result.log']],
  )
  assert.equal(String(await parts.blobs.read(execution.outputInfo['result.log']?.key ?? '')), 'so far\n')
  assert.equal((await listFiles(db, { applicationId: run.applicationId, private: false }, {})).totalCount, 0)
})

test('a worker that closes gives its run back, and another one takes it up at once', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const first = await openWorker(parts, ONLY_NOTIFIED)
  const run = await start(db, parts, [FOR_EVER])
  const { startedAt } = await until(db, run, inCell)
  await using second = await openWorker(parts, ONLY_NOTIFIED)
  assert.equal(second.running, 0)
  await first[Symbol.asyncDispose]()
  assert.equal(first.running, 0)
  const again = await until(db, run, (execution) => inCell(execution) && isLater(execution.startedAt, startedAt))
  assert.deepEqual([again.status, again.attempt], ['inProgress', 2])
  await cancelExecution(db, run.notebookId, run.id)
  assert.equal((await until(db, run, ended)).status, 'canceled')
})

test('a worker that closes while it claims gives back what it got', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const notebook = await makeNotebook(db)
  const worker = await openWorker(parts, ONLY_NOTIFIED)
  const { id, closed } = await db.transaction(async (tx) => {
    await tx.query('lock table executions in share mode')
    const id = await makeExecution(tx, notebook)
    await db.query('select pg_notify($1, $2)', [QUEUED, id])
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    while ((await db.query(waiting)).length === 0) await pause(LOOK_AGAIN_MS)
    return { id, closed: worker[Symbol.asyncDispose]() }
  })
  await closed
  const { status, attempt } = await getExecution(db, notebook.id, id)
  assert.deepEqual([status, attempt], ['queued', 1])
})

test('the run of a worker that died is taken up by another, however long its lease still is', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const run = await start(db, parts, [WRITE])
  const dead = await claimExecution(db, 'a worker that died', NEVER_MS)
  assert.equal(dead?.id, run.id)
  await using _worker = await openWorker(parts, ONLY_NOTIFIED)
  const execution = await until(db, run, ended)
  assert.deepEqual([execution.status, execution.attempt], ['completed', 2])
})

test('the run of a worker that has its lock and renews no lease is taken up by another', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using stopped = await openPresence(db, { root: parts.workRoot, log: () => {} })
  const run = await start(db, parts, [WRITE])
  await claimExecution(db, stopped.id, 1)
  await using _worker = await openWorker(parts, { slots: 1, pollMs: NEVER_MS, leaseMs: 900 })
  const execution = await until(db, run, ended)
  assert.deepEqual([execution.status, execution.attempt], ['completed', 2])
})

test('a worker whose sessions are all cut goes on, and keeps its run', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using _other = await openWorker(parts, { ...ONLY_NOTIFIED, slots: 0 })
  await using worker = await openWorker(parts, ONLY_NOTIFIED)
  const run = await start(db, parts, [FOR_EVER])
  await until(db, run, inCell)
  await using admin = await db.connect()
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  const absent = async () => (await absentWorkers(admin, [worker.id])).length > 0
  while (await absent()) await pause(LOOK_AGAIN_MS)
  assert.equal(worker.isPresent, true)
  await cancelExecution(patient(db), run.notebookId, run.id)
  const execution = await until(patient(db), run, ended)
  assert.deepEqual([execution.status, execution.attempt], ['canceled', 1])
})

test('a worker that drains lets its run end and claims nothing more', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using worker = await openWorker(parts, ONLY_NOTIFIED)
  const run = await start(db, parts, ['import time; time.sleep(0.3)', WRITE])
  await until(db, run, inCell)
  const waiting = await start(db, parts, [WRITE])
  await worker.drain(NEVER_MS)
  assert.equal((await getExecution(db, run.notebookId, run.id)).status, 'completed')
  assert.equal((await getExecution(db, waiting.notebookId, waiting.id)).status, 'queued')
})

test('the folder of a worker that died is removed with the processes that use it, those of the living are not', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using living = await openPresence(db, { root: parts.workRoot, log: () => {} })
  const left = join(parts.workRoot, 'dead', 'of an attempt')
  await mkdir(left, { recursive: true })
  // A sandbox of the dead that has not heard of its death.
  await using orphan = await openSandbox(
    {
      command: ['/bin/sleep', 'infinity'],
      cwd: '/tmp',
      env: {},
      mounts: [{ source: left, target: '/in' }],
      limits: DEFAULT_LIMITS,
    },
    parts.host,
  )
  const worker = await openWorker(parts, ONLY_NOTIFIED)
  const names = () => readdir(parts.workRoot)
  while ((await names()).includes('dead')) await pause(LOOK_AGAIN_MS)
  assert.equal((await orphan.exited).signal, 'SIGKILL')
  assert.deepEqual((await names()).sort(), [living.id, worker.id].sort())
  await worker[Symbol.asyncDispose]()
  assert.deepEqual(await names(), [living.id])
})

test('a claim whose answer was lost is noticed by the worker that made it, and run after all', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using before = await openPresence(db, { root: parts.workRoot, log: () => {} })
  const run = await start(db, parts, [WRITE])
  await claimExecution(db, before.id, NEVER_MS)
  await using worker = await openWorker(parts, { slots: 1, pollMs: NEVER_MS, leaseMs: 600 })
  await db.query('update executions set worker_id = $1', [worker.id])
  const execution = await until(db, run, ended)
  assert.deepEqual([execution.status, execution.attempt], ['completed', 2])
})

test('a worker whose run was taken from it gives up without a trace', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await using worker = await openWorker(parts, { slots: 1, pollMs: NEVER_MS, leaseMs: 300 })
  const run = await start(db, parts, [FOR_EVER])
  await until(db, run, inCell)
  await using another = await openPresence(db, { root: parts.workRoot, log: () => {} })
  await db.query(`update executions set attempt = 2, worker_id = $1, lease_until = 'infinity'`, [another.id])
  const before = await getExecution(db, run.notebookId, run.id)
  while (worker.running > 0) await pause(LOOK_AGAIN_MS)
  assert.deepEqual(await getExecution(db, run.notebookId, run.id), before)
})

test('an execution canceled while it waits never runs', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const [canceled, next] = [await start(db, parts, [WRITE]), await start(db, parts, [WRITE])]
  await cancelExecution(db, canceled.notebookId, canceled.id)
  await using _worker = await openWorker(parts, ONLY_NOTIFIED)
  assert.equal((await until(db, next, ended)).status, 'completed')
  const { status, startedAt, attempt } = await getExecution(db, canceled.notebookId, canceled.id)
  assert.deepEqual([status, startedAt, attempt], ['canceled', undefined, 0])
})
