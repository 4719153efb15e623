/** Minutes and endings of a notebook: by UTC day, every day of the range, and in all for the month. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { claimExecution } from '../../server/executions/claim.ts'
import { takeBack } from '../../server/executions/leases.ts'
import { cancelExecution, recordEnd } from '../../server/executions/store.ts'
import { minuteCounts, periodStart, readStats } from '../../server/executions/usage.ts'
import { makeClaim, makeExecution, makeNotebook, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const NOW = new Date('2026-03-02T12:00:00Z')
const NONE = { minutes: 0, completed: 0, canceled: 0, errored: 0, timeout: 0 }

interface Ran {
  status: string
  /** When its notebook phase began; undefined when it never did. */
  from?: string
  /** When its notebook phase ended. */
  to?: string
  ended: string
}

/** A notebook whose executions went like this. */
async function openUsage(t: TestContext, runs: Ran[]) {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  for (const { status, from, to, ended } of runs) {
    const id = await makeExecution(db, notebook)
    await db.query(
      `update executions set status = $2, inputs_completed_at = $3, notebook_completed_at = $4,
         outputs_completed_at = $5, queued_at = $5 where id = $1`,
      [id, status, from ?? null, to ?? null, ended],
    )
  }
  await makeExecution(db, await makeNotebook(db))
  return {
    db,
    stats: async (now = NOW) => (await readStats(db, [notebook.id], now))(notebook.id),
    days: async (range: { start?: string; end?: string }) =>
      (await minuteCounts(db, { notebookId: notebook.id }, range, NOW)).counts.map(({ date, ...counts }) => [
        date.slice(0, 10),
        counts,
      ]),
    counts: (range: { start?: string; end?: string }) => minuteCounts(db, { notebookId: notebook.id }, range, NOW),
  }
}

const completed = (from: string, to: string, ended = to): Ran => ({ status: 'completed', from, to, ended })

test('an execution counts on the UTC day it ended, across days, months and years', async (t) => {
  const { days } = await openUsage(t, [
    completed('2025-12-31T23:59:00Z', '2025-12-31T23:59:59.999Z'),
    completed('2025-12-31T23:59:00Z', '2026-01-01T00:00:00Z'),
    completed('2026-02-28T23:00:00Z', '2026-02-28T23:30:00Z', '2026-03-01T00:00:00.001Z'),
    {
      status: 'errored',
      from: '2026-03-01T23:59:59Z',
      to: '2026-03-01T23:59:59.999Z',
      ended: '2026-03-01T23:59:59.999Z',
    },
    { status: 'timeout', from: '2026-03-02T00:00:00Z', to: '2026-03-02T00:00:00Z', ended: '2026-03-02T00:00:00Z' },
    { status: 'canceled', ended: '2026-03-02T11:00:00Z' },
  ])
  assert.deepEqual(await days({ start: '2025-12-31', end: '2026-01-01T12:00:00Z' }), [
    ['2025-12-31', { ...NONE, minutes: 1, completed: 1 }],
    ['2026-01-01', { ...NONE, minutes: 1, completed: 1 }],
  ])
  assert.deepEqual(await days({ start: '2026-02-27T23:00:00-05:00' }), [
    ['2026-02-28', NONE],
    ['2026-03-01', { ...NONE, minutes: 31, completed: 1, errored: 1 }],
    ['2026-03-02', { ...NONE, minutes: 1, timeout: 1, canceled: 1 }],
  ])
})

test('without a range it is the month so far, every day of it', async (t) => {
  const { days, counts } = await openUsage(t, [completed('2026-03-01T00:00:00Z', '2026-03-01T00:00:01Z')])
  assert.deepEqual(await days({}), [
    ['2026-03-01', { ...NONE, minutes: 1, completed: 1 }],
    ['2026-03-02', NONE],
  ])
  const { start, end } = await counts({ start: '', end: '' })
  assert.deepEqual([start, end], ['2026-03-01T00:00:00.000Z', NOW.toISOString()])
})

const minutes: [string, string, number][] = [
  ['12:00:00Z', '12:00:00Z', 1],
  ['12:00:00Z', '12:00:00.001Z', 1],
  ['12:00:00Z', '12:01:00Z', 1],
  ['12:00:00Z', '12:01:00.001Z', 2],
  ['12:00:00Z', '13:00:00Z', 60],
]
test('a begun minute is a minute, and inputs and outputs cost none', async (t) => {
  for (const [from, to, expected] of minutes) {
    const { days } = await openUsage(t, [completed(`2026-02-01T${from}`, `2026-02-01T${to}`, '2026-02-01T20:00:00Z')])
    const [[, counts] = []] = await days({ start: '2026-02-01', end: '2026-02-01T23:00:00Z' })
    assert.deepEqual(counts, { ...NONE, minutes: expected, completed: 1 }, `${from} to ${to}`)
  }
})

test('both bounds belong to the range, to the millisecond', async (t) => {
  const { days } = await openUsage(t, [completed('2026-02-10T09:59:00Z', '2026-02-10T10:00:00.500Z')])
  const runs = async (start: string, end: string) =>
    (await days({ start, end })).reduce((sum, [, counts]) => sum + Number(Object(counts).completed), 0)
  const [early, at, late] = ['2026-02-10T10:00:00.499Z', '2026-02-10T10:00:00.500Z', '2026-02-10T10:00:00.501Z']
  assert.deepEqual([await runs(at, at), await runs(early, at), await runs(at, late)], [1, 1, 1])
  assert.deepEqual([await runs(late, late), await runs('2026-02-10', early)], [0, 0])
})

test('a range that is none is refused in words', async (t) => {
  const { counts } = await openUsage(t, [])
  const refused: [{ start?: string; end?: string }, RegExp][] = [
    [{ start: 'never' }, /^start must be a time/],
    [{ end: 'never' }, /^end must be a time/],
    [{ start: '2026-03-02', end: '2026-03-01' }, /^start must not be later than end$/],
    [{ start: '2027-01-01' }, /^start must not be later than end$/],
    [{ start: '1900-01-01' }, /at most 3660 days apart$/],
  ]
  for (const [range, message] of refused) await assert.rejects(counts(range), { kind: 'invalid', message })
  assert.equal((await counts({ start: '2016-03-01', end: '2026-03-01' })).counts.length, 3653)
})

test('statistics begin anew with every UTC month', async (t) => {
  assert.deepEqual(periodStart(new Date('2026-03-31T23:59:59.999Z')), new Date('2026-03-01T00:00:00Z'))
  assert.deepEqual(periodStart(new Date('2026-03-01T00:30:00+01:00')), new Date('2026-02-01T00:00:00Z'))
  const { stats } = await openUsage(t, [
    completed('2026-02-28T23:00:00Z', '2026-02-28T23:59:59Z'),
    completed('2026-03-01T00:00:00Z', '2026-03-01T00:01:30Z'),
    { status: 'errored', ended: '2026-03-01T00:00:00Z' },
    { status: 'timeout', from: '2026-03-02T00:00:00Z', to: '2026-03-02T00:00:30Z', ended: '2026-03-02T00:01:00Z' },
    { status: 'canceled', ended: '2026-03-02T00:01:00Z' },
  ])
  assert.deepEqual(await stats(), { minutesThisPeriod: 3, runsThisPeriod: 4, errorsThisPeriod: 2 })
  assert.deepEqual(await stats(new Date('2026-04-01T00:00:00Z')), {
    minutesThisPeriod: 0,
    runsThisPeriod: 0,
    errorsThisPeriod: 0,
  })
})

test('the day of a range that is only partly in it is counted whole once its logs are gone', async (t) => {
  const { db, days } = await openUsage(t, [
    completed('2026-02-10T09:59:00Z', '2026-02-10T10:00:00Z'),
    completed('2026-02-10T10:59:00Z', '2026-02-10T11:00:00Z'),
    completed('2026-02-11T10:59:00Z', '2026-02-11T11:00:00Z'),
  ])
  const range = { start: '2026-02-10T10:30:00Z', end: '2026-02-11T10:30:00Z' }
  assert.deepEqual(await days(range), [
    ['2026-02-10', { ...NONE, minutes: 1, completed: 1 }],
    ['2026-02-11', NONE],
  ])
  await db.query(`delete from executions where outputs_completed_at = '2026-02-10T10:00:00Z'`)
  assert.deepEqual(await days(range), [
    ['2026-02-10', { ...NONE, minutes: 2, completed: 2 }],
    ['2026-02-11', NONE],
  ])
})

test('ends that come all at once are counted once each, and one that is rolled back not at all', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const [one, other] = [await makeNotebook(db), await makeNotebook(db)]
  for (let index = 0; index < 24; index += 1) await makeExecution(db, index % 2 ? one : other)
  const held = await Promise.all(Array.from({ length: 16 }, () => makeClaim(db)))
  const waiting = await db.query<{ id: string; notebook_id: string }>(
    `select id, notebook_id from executions where status = 'queued'`,
  )
  const began = new Date()
  const seen = { ...UNSEEN, inputsCompletedAt: began, notebookCompletedAt: new Date(began.getTime() + 61_000) }
  await assert.rejects(
    db.transaction(async (tx) => {
      assert.ok(held[0] && (await recordEnd(tx, held[0], 'completed', [], {}, seen)))
      throw new Error('its outputs could not be stored')
    }),
    /could not be stored/,
  )
  const endings = [
    ...held.slice(0, 12).map((holder) => recordEnd(db, holder, 'completed', [], {}, seen)),
    ...held.slice(0, 12).map((holder) => recordEnd(db, holder, 'completed', [], {}, seen)),
    takeBack(db, held.slice(12)).then((ids) => ids.length),
    takeBack(db, held.slice(12)).then((ids) => ids.length),
    ...waiting.map(({ id, notebook_id }) => cancelExecution(db, notebook_id, id).then(() => 'canceled')),
  ]
  const answers = await Promise.all(endings)
  assert.equal(answers.filter((answer) => answer === true).length, 12)
  while (await claimExecution(db, 'a worker', 60_000)) {
    // What was taken back runs again, and is the second attempt of the same execution.
  }
  await db.query(`update executions set lost_attempts = 2 where status = 'inProgress'`)
  const again = await db.query<{ id: string; attempt: number }>(
    `select id, attempt from executions where status = 'inProgress'`,
  )
  assert.equal((await takeBack(db, again)).length, 4)
  const now = new Date()
  const statsOf = await readStats(db, [one.id, other.id], now)
  const sum = (name: 'minutesThisPeriod' | 'runsThisPeriod' | 'errorsThisPeriod') =>
    statsOf(one.id)[name] + statsOf(other.id)[name]
  // Twelve of two begun minutes each, eight that never ran, four that were lost before their notebooks began.
  assert.deepEqual([sum('minutesThisPeriod'), sum('runsThisPeriod'), sum('errorsThisPeriod')], [24, 24, 4])
})
