/** Limits of applications and of all together: nobody passes the last place, however many come at once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstallationLimits, TotalLimits } from '../../contract/limits.ts'
import { requireNotebookPlace, setApplicationLimits } from '../../server/catalog/application-limits.ts'
import { createNotebook, type StoredNotebook } from '../../server/catalog/notebooks.ts'
import { claimExecution, parallelOf } from '../../server/executions/claim.ts'
import { readApplicationUsage } from '../../server/executions/places.ts'
import { requestExecution } from '../../server/executions/request.ts'
import { AppError } from '../../server/ground/errors.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeApplication, makeExecution, makeNotebook, testLimits } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { untilBlocked } from '../support/until.ts'

type Limits = Partial<Omit<InstallationLimits, 'total'>> & { total?: Partial<TotalLimits> }

const installed = ({ total, ...limits }: Limits): InstallationLimits => ({
  ...testLimits,
  ...limits,
  total: { ...testLimits.total, ...total },
})

const NOW = new Date('2026-03-20T12:00:00Z')

const request = (db: Database, notebook: StoredNotebook, limits: Limits, now = new Date()) =>
  db.transaction((tx) =>
    requestExecution(
      tx,
      { ...notebook, jupyterFile: { name: 'a.ipynb', blobKey: 'missing.ipynb' } },
      {},
      { sourceType: 'user', sourceId: 'them' },
      installed(limits),
      now,
    ),
  )

const makeOne = (db: Database, applicationId: string, limits: Limits) =>
  db.transaction(async (tx) => {
    await requireNotebookPlace(tx, applicationId, installed(limits))
    return createNotebook(tx, applicationId, { name: 'one more' })
  })

/** Does something many times at once, and gives how often it went through and how the others were refused. */
async function atOnce(times: number, work: () => Promise<unknown>) {
  const ends = await Promise.allSettled(Array.from({ length: times }, work))
  const refusals = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
  for (const refusal of refusals) if (!(refusal instanceof AppError)) throw refusal
  return { through: times - refusals.length, kinds: new Set(refusals.map(({ kind }) => kind)), first: refusals[0] }
}

test('of twenty executions asked for at once as many are queued as may wait', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const notebook = await makeNotebook(db)
  const other = await makeNotebook(db)
  const { through, kinds, first } = await atOnce(20, () => request(db, notebook, { queuedExecutions: 3 }))
  assert.deepEqual([through, [...kinds]], [3, ['limited']])
  assert.deepEqual(first.limit, { name: 'queuedExecutions', of: 'application', allowed: 3, used: 3 })
  assert.match(first.message, /^3 executions of this application wait already, and at most 3 may \(FIELDBOOK_APP/)
  assert.equal(first.retryAfterSeconds, 5)
  await request(db, other, { queuedExecutions: 3 })
  // What has started makes room.
  assert.ok(await claimExecution(db, 'w', 60_000))
  await request(db, notebook, { queuedExecutions: 3 })
  await assert.rejects(request(db, notebook, { queuedExecutions: 3 }), { kind: 'limited' })
})

test('all applications together have a queue of their own, and two of them do not share its last place', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const notebooks = [await makeNotebook(db), await makeNotebook(db), await makeNotebook(db)]
  let next = 0
  const { through, first } = await atOnce(21, () => {
    const notebook = notebooks[next++ % 3]
    assert.ok(notebook)
    return request(db, notebook, { total: { queuedExecutions: 4 } })
  })
  assert.equal(through, 4)
  assert.deepEqual(first.limit, { name: 'queuedExecutions', of: 'installation', allowed: 4, used: 4 })
  assert.match(first.message, /of all applications together .*\(FIELDBOOK_QUEUE\)/)
})

test('an application can set a lower limit, and then it is named', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  await setApplicationLimits(db, notebook.applicationId, { queuedExecutions: 1 })
  await request(db, notebook, { queuedExecutions: 3 })
  await assert.rejects(request(db, notebook, { queuedExecutions: 3 }), { message: /at most 1 may \(set for the appl/ })
  // One that is higher than what the installation has come to since does not count.
  await setApplicationLimits(db, notebook.applicationId, { queuedExecutions: 50 })
  await request(db, notebook, { queuedExecutions: 2 })
  await assert.rejects(request(db, notebook, { queuedExecutions: 2 }), { message: /at most 2 may \(FIELDBOOK_APPL/ })
})

/** An execution that ran for so many minutes, as the row of one tells it. */
async function ran(db: Database, notebook: StoredNotebook, minutes: number, from: string) {
  const id = await makeExecution(db, notebook)
  await db.query(
    `update executions set status = 'completed', queued_at = $2, inputs_completed_at = $2,
       notebook_completed_at = $2::timestamptz + $3 * interval '1 minute',
       outputs_completed_at = $2::timestamptz + $3 * interval '1 minute' where id = $1`,
    [id, from, minutes],
  )
}

test('minutes that are used up are refused until the month has ended, and told so', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  await ran(db, notebook, 30, '2026-02-28T23:29:59Z')
  await ran(db, notebook, 9, '2026-03-01T00:00:00Z')
  const limits = { minutesPerMonth: 10 }
  await request(db, notebook, limits, NOW)
  // The one that waits has used none, but will.
  const refused = await request(db, notebook, limits, NOW).catch((error: unknown) => error)
  assert.ok(refused instanceof AppError)
  assert.equal(refused.kind, 'limited')
  const resetsAt = new Date('2026-04-01T00:00:00Z')
  assert.deepEqual(refused.limit, { name: 'minutesPerMonth', of: 'application', allowed: 10, used: 10, resetsAt })
  assert.equal(refused.retryAfterSeconds, 11.5 * 86_400)
  assert.match(refused.message, /have used 10 of the 10 minutes .* begin anew at 2026-04-01T00:00:00\.000Z$/)
  assert.equal((await readApplicationUsage(db, notebook.applicationId, NOW)).minutesThisMonth, 10)
  await request(db, notebook, limits, resetsAt)
  await request(db, await makeNotebook(db), limits, NOW)
})

test('the last minute of the month goes to one of those who ask at once', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const notebook = await makeNotebook(db)
  await ran(db, notebook, 4, '2026-03-10T12:00:00Z')
  const own = await atOnce(12, () => request(db, notebook, { minutesPerMonth: 5 }, NOW))
  assert.deepEqual([own.through, [...own.kinds]], [1, ['limited']])
  const others = [notebook, await makeNotebook(db)]
  let next = 0
  const all = await atOnce(12, () =>
    request(db, others[next++ % 2] ?? notebook, { total: { minutesPerMonth: 7 } }, NOW),
  )
  assert.equal(all.through, 2)
  assert.equal(all.first.limit.of, 'installation')
})

test('of notebooks made at once as many are made as there may be, of one application and of all', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const [one, other] = [await makeApplication(db), await makeApplication(db)]
  const own = await atOnce(12, () => makeOne(db, one.id, { notebooks: 3 }))
  assert.deepEqual([own.through, [...own.kinds]], [3, ['full']])
  assert.deepEqual(own.first.limit, { name: 'notebooks', of: 'application', allowed: 3, used: 3 })
  let next = 0
  const all = await atOnce(12, () => makeOne(db, next++ % 2 ? one.id : other.id, { total: { notebooks: 5 } }))
  assert.equal(all.through, 2)
  assert.match(all.first.message, /^There are 5 notebooks of all applications together, and at most 5 are allowed/)
  // Those of an application that is being deleted are as good as gone.
  await db.query('update applications set deleted_at = now() where id = $1', [one.id])
  await makeOne(db, other.id, { total: { notebooks: 5 } })
})

/** Workers that all claim at the same time, each until there is nothing for it. */
async function claimAll(db: Database, workers: number, limits: Limits): Promise<string[]> {
  const parallel = parallelOf(installed(limits))
  const claimed = await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const ids: string[] = []
      for (;;) {
        const execution = await claimExecution(db, `w${worker}`, 60_000, parallel)
        if (!execution) return ids
        ids.push(execution.applicationId)
      }
    }),
  )
  return claimed.flat()
}

const count = (ids: readonly string[], id: string) => ids.filter((one) => one === id).length

test('workers that claim at the same time start no more than may run; the surplus waits, and others go on', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const [greedy, modest] = [await makeNotebook(db), await makeNotebook(db)]
  for (let n = 0; n < 8; n++) await makeExecution(db, greedy)
  for (let n = 0; n < 2; n++) await makeExecution(db, modest)
  const started = await claimAll(db, 6, { parallelExecutions: 3 })
  assert.deepEqual([count(started, greedy.applicationId), count(started, modest.applicationId)], [3, 2])
  const { runningExecutions, queuedExecutions } = await readApplicationUsage(db, greedy.applicationId, new Date())
  assert.deepEqual([runningExecutions, queuedExecutions], [3, 5])
  // One that ends makes room for one.
  await db.query(
    `update executions set status = 'canceled', outputs_completed_at = now() where id = (
       select id from executions where status = 'inProgress' and application_id = $1 limit 1)`,
    [greedy.applicationId],
  )
  assert.equal((await claimAll(db, 6, { parallelExecutions: 3 })).length, 1)
})

test('a limit of the application’s own is held among others that have none', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const [bound, free] = [await makeNotebook(db), await makeNotebook(db)]
  await setApplicationLimits(db, bound.applicationId, { parallelExecutions: 2 })
  for (let n = 0; n < 6; n++) await makeExecution(db, bound)
  for (let n = 0; n < 6; n++) await makeExecution(db, free)
  const started = await claimAll(db, 6, {})
  assert.deepEqual([count(started, bound.applicationId), count(started, free.applicationId)], [2, 6])
})

test('what all applications may have running is shared out fairly', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const [greedy, modest] = [await makeNotebook(db), await makeNotebook(db)]
  for (let n = 0; n < 8; n++) await makeExecution(db, greedy)
  for (let n = 0; n < 8; n++) await makeExecution(db, modest)
  const started = await claimAll(db, 5, { total: { parallelExecutions: 4 } })
  assert.deepEqual([count(started, greedy.applicationId), count(started, modest.applicationId)], [2, 2])
})

test('a limit larger than the database counts is none, and starts what waits all the same', async (t) => {
  const db = await openTestDatabase(t)
  const [strange, other] = [await makeNotebook(db), await makeNotebook(db)]
  await setApplicationLimits(db, strange.applicationId, { parallelExecutions: 3_000_000_000 })
  for (const notebook of [strange, other]) await makeExecution(db, notebook)
  assert.equal((await claimAll(db, 1, {})).length, 2)
  for (const notebook of [strange, other]) await makeExecution(db, notebook)
  assert.equal((await claimAll(db, 1, { parallelExecutions: 2 })).length, 2)
})

test('who waits for a notebook that is being deleted keeps nobody of the application from queuing', async (t) => {
  const db = await openTestDatabase(t)
  const held = await makeNotebook(db)
  const free = await makeNotebook(db, { applicationId: held.applicationId })
  let waiting: Promise<unknown> = Promise.resolve()
  await db.transaction(async (tx) => {
    await tx.query('delete from notebooks where id = $1', [held.id])
    waiting = assert.rejects(request(db, held, {}), { kind: 'notFound' })
    await untilBlocked(db)
    await db.transaction(async (beside) => {
      await beside.query(`set local lock_timeout = '5s'`)
      await makeExecution(beside, free)
    })
  })
  await waiting
})
