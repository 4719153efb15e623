/** The executions table as the queue it is: claims in their order, cancellations, lists. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { claimExecution } from '../../server/executions/claim.ts'
import { releaseExecution } from '../../server/executions/leases.ts'
import type { Execution } from '../../server/executions/record.ts'
import {
  cancelExecution,
  getExecution,
  LISTED_FILES,
  listExecutions,
  unfinishedExecutions,
} from '../../server/executions/store.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeExecution, makeNotebook } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const LEASE_MS = 60_000
/** A claim that has to succeed. */
async function claim(db: Database): Promise<Execution> {
  const execution = await claimExecution(db, 'w', LEASE_MS)
  assert.ok(execution, 'nothing waits')
  return execution
}

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

test('a list has the first hundred files of each execution, those of directories last, and says how many there are', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const single = ['OUTPUT_DIR/result.log', 'a.csv', 'result.ipynb', 'z'.repeat(200)]
  const below = Array.from({ length: 5000 }, (_, index) => `OUT/${String(index).padStart(4, '0')}`)
  const files = Object.fromEntries(
    [...below, ...single].map((name) => [name, { key: name, size: 1, contentType: 'a/b' }]),
  )
  const [none, many] = [await makeExecution(db, notebook), await makeExecution(db, notebook)]
  await db.query('update executions set output_info = $2 where id = $1', [many, JSON.stringify(files)])
  const [first, second] = await listExecutions(db, notebook.id, 10, undefined)
  assert.deepEqual([first?.id, first?.outputCount], [many, 5004])
  const shown = [...single, ...below.slice(0, LISTED_FILES - single.length)].sort()
  assert.deepEqual(Object.keys(first?.outputInfo ?? {}).sort(), shown)
  assert.deepEqual(first?.outputInfo['a.csv'], files['a.csv'])
  assert.deepEqual([second?.id, second?.outputCount, second?.outputInfo], [none, 0, {}])
  assert.deepEqual((await getExecution(db, notebook.id, many)).outputInfo, files)
})
