/** The executions table as the queue it is: claims, leases, cancellations and what is taken back from lost workers. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { MAX_ATTEMPTS } from '../../server/executions/lifecycle.ts'
import type { Execution } from '../../server/executions/record.ts'
import {
  cancelExecution,
  claimExecution,
  getExecution,
  listExecutions,
  reapExecutions,
  recordInputs,
  recordNotebookEnd,
  recordProgress,
  releaseExecution,
  renewLease,
  unfinishedExecutions,
} from '../../server/executions/store.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'
import { makeExecution, makeNotebook } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const LEASE_MS = 60_000
const RAN_ON = {
  image: { version: 'v4', source: 'index', pythonVersion: '3.11.2', packages: {} },
  sandbox: { level: 3, name: 'bwrap' },
} as const

/** A claim that has to succeed. */
async function claim(db: Queryable, leaseMs = LEASE_MS): Promise<Execution> {
  const execution = await claimExecution(db, 'w', leaseMs)
  assert.ok(execution, 'nothing waits')
  return execution
}

const statusOf = async (db: Queryable, id: string) =>
  (await db.one<{ status: string }>('select status from executions where id = $1', [id]))?.status

const expireLease = (db: Queryable, id: string) =>
  db.query(`update executions set lease_until = now() - interval '1 ms' where id = $1`, [id])

test('two workers that claim at the same time never get the same execution', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 16 })
  const notebook = await makeNotebook(db)
  const queued = await Promise.all(Array.from({ length: 120 }, () => makeExecution(db, notebook)))
  const claimAll = async (workerId: string) => {
    const ids: string[] = []
    for (let next = await claimExecution(db, workerId, LEASE_MS); next; ) {
      ids.push(next.id)
      next = await claimExecution(db, workerId, LEASE_MS)
    }
    return ids
  }
  const claimed = await Promise.all(Array.from({ length: 12 }, (_, index) => claimAll(`worker ${index % 2}`)))
  assert.deepEqual(claimed.flat().sort(), queued.sort())
})

test('the execution that has waited longest is claimed first, a returned one keeps its place', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const ids = [await makeExecution(db, notebook), await makeExecution(db, notebook), await makeExecution(db, notebook)]
  const first = await claim(db)
  assert.equal(first.id, ids[0])
  await releaseExecution(db, first)
  assert.deepEqual([(await claim(db)).id, (await claim(db)).id, (await claim(db)).id], ids)
  assert.equal(await claimExecution(db, 'w', LEASE_MS), undefined)
})

test('an application with many waiting does not keep another one from its turn', async (t) => {
  const db = await openTestDatabase(t)
  const [busy, quiet] = [await makeNotebook(db), await makeNotebook(db)]
  const many = [await makeExecution(db, busy), await makeExecution(db, busy), await makeExecution(db, busy)]
  const few = [await makeExecution(db, quiet), await makeExecution(db, quiet)]
  const order = []
  for (let next = await claimExecution(db, 'w', LEASE_MS); next; next = await claimExecution(db, 'w', LEASE_MS)) {
    order.push(next.id)
  }
  assert.deepEqual(order, [many[0], few[0], many[1], few[1], many[2]])
})

test('a claim counts the attempt and forgets where the last one was', async (t) => {
  const db = await openTestDatabase(t)
  await makeExecution(db, await makeNotebook(db))
  const first = await claim(db)
  await recordInputs(db, first, {}, true, RAN_ON)
  await recordProgress(db, first, { phase: 'notebook', cell: 3, cells: 9 })
  await recordNotebookEnd(db, first)
  await expireLease(db, first.id)
  assert.deepEqual(await reapExecutions(db), [first.id])
  const second = await claim(db)
  assert.equal(second.attempt, 2)
  assert.deepEqual(second.progress, { phase: 'inputs', cell: 0, cells: 0 })
  assert.equal(second.inputsCompletedAt, undefined)
  assert.equal(second.notebookCompletedAt, undefined)
  assert.ok(second.startedAt && second.startedAt >= second.queuedAt)
})

test('writes of an attempt that lost its lease change nothing', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const id = await makeExecution(db, notebook)
  const lost = await claim(db)
  await expireLease(db, id)
  await reapExecutions(db)
  const current = await claim(db)
  const before = await getExecution(db, notebook.id, id)
  assert.equal(await renewLease(db, lost, LEASE_MS), undefined)
  await recordInputs(db, lost, { 'a.csv': { key: 'k', size: 1, contentType: 'text/csv' } }, true, RAN_ON)
  await recordProgress(db, lost, { phase: 'notebook', cell: 7, cells: 7 })
  await recordNotebookEnd(db, lost)
  await releaseExecution(db, lost)
  assert.deepEqual(await getExecution(db, notebook.id, id), before)
  assert.equal(await renewLease(db, current, LEASE_MS), 'inProgress')
})

test('a lease that is renewed is not reaped, and tells of a cancellation', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const id = await makeExecution(db, notebook)
  const held = await claim(db)
  await expireLease(db, id)
  assert.equal(await renewLease(db, held, LEASE_MS), 'inProgress')
  assert.deepEqual(await reapExecutions(db), [])
  await cancelExecution(db, notebook.id, id)
  assert.equal(await renewLease(db, held, LEASE_MS), 'canceling')
})

test('a run whose workers die is tried three times and then errored', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const id = await makeExecution(db, notebook)
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
    assert.equal((await claim(db)).attempt, attempt)
    await expireLease(db, id)
    assert.deepEqual(await reapExecutions(db), [id])
    assert.equal(await statusOf(db, id), 'queued')
  }
  await claim(db)
  await expireLease(db, id)
  assert.deepEqual(await reapExecutions(db), [id])
  const ended = await getExecution(db, notebook.id, id)
  assert.equal(ended.status, 'errored')
  assert.deepEqual(
    ended.errors.map(({ name }) => name),
    ['WorkerLost'],
  )
  assert.deepEqual(ended.progress.phase, 'finished')
  assert.ok(ended.outputsCompletedAt)
  assert.deepEqual(await reapExecutions(db), [])
  assert.equal(await claimExecution(db, 'w', LEASE_MS), undefined)
})

test('what was to be canceled when its worker died is canceled, whatever the attempt, and without an error', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  for (const attempt of [1, MAX_ATTEMPTS]) {
    const id = await makeExecution(db, notebook)
    await claim(db)
    await db.query('update executions set attempt = $2 where id = $1', [id, attempt])
    await cancelExecution(db, notebook.id, id)
    await expireLease(db, id)
    assert.deepEqual(await reapExecutions(db), [id])
    const ended = await getExecution(db, notebook.id, id)
    assert.deepEqual([ended.status, ended.errors, ended.progress.phase], ['canceled', [], 'finished'])
    assert.ok(ended.outputsCompletedAt)
  }
})

test('a run given back waits again and its attempt does not count', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const id = await makeExecution(db, notebook)
  for (let time = 0; time <= MAX_ATTEMPTS; time += 1) {
    const held = await claim(db)
    assert.equal(held.attempt, 1)
    await releaseExecution(db, held)
    assert.equal(await statusOf(db, id), 'queued')
  }
  const held = await claim(db)
  await cancelExecution(db, notebook.id, id)
  await releaseExecution(db, held)
  const ended = await getExecution(db, notebook.id, id)
  assert.deepEqual([ended.status, ended.progress.phase], ['canceled', 'finished'])
  assert.ok(ended.outputsCompletedAt)
})

test('canceling: at once while queued, by the worker while running, again without effect, not found afterwards', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const [running, waiting] = [await makeExecution(db, notebook), await makeExecution(db, notebook)]
  await claim(db)
  assert.deepEqual((await unfinishedExecutions(db, notebook.id)).sort(), [running, waiting].sort())
  await cancelExecution(db, notebook.id, waiting)
  const canceled = await getExecution(db, notebook.id, waiting)
  assert.deepEqual([canceled.status, canceled.progress.phase], ['canceled', 'finished'])
  assert.ok(canceled.outputsCompletedAt)
  assert.equal(await claimExecution(db, 'w', LEASE_MS), undefined)
  for (const _ of ['first', 'second']) {
    await cancelExecution(db, notebook.id, running)
    const held = await getExecution(db, notebook.id, running)
    assert.deepEqual([held.status, held.outputsCompletedAt], ['canceling', undefined])
  }
  await assert.rejects(cancelExecution(db, notebook.id, waiting), { kind: 'notFound' })
  await assert.rejects(cancelExecution(db, (await makeNotebook(db)).id, running), { kind: 'notFound' })
})

test('executions are listed newest first, from a time on, and only those of the notebook', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const other = await makeExecution(db, await makeNotebook(db))
  const ids = [await makeExecution(db, notebook), await makeExecution(db, notebook), await makeExecution(db, notebook)]
  const idsOf = async (limit: number, since?: Date) =>
    (await listExecutions(db, notebook.id, limit, since)).map(({ id }) => id)
  assert.deepEqual(await idsOf(10), ids.toReversed())
  assert.deepEqual(await idsOf(1), [ids[2]])
  await db.query(`update executions set queued_at = '2026-01-01T00:00:00Z' where id = $1`, [ids[0]])
  assert.deepEqual(await idsOf(10, new Date('2026-01-01T00:00:00.001Z')), [ids[2], ids[1]])
  assert.deepEqual(await idsOf(10, new Date('2026-01-01T00:00:00Z')), ids.toReversed())
  await assert.rejects(getExecution(db, notebook.id, other), { kind: 'notFound' })
})
