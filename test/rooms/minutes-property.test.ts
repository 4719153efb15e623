/**
 * Minutes of random histories of runs, their attempts, cancels and crashes around the borders of days, months and years,
 * and where clocks are changed, against a model that goes through a list; by a database whose clock the test sets.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { StoredNotebook } from '../../server/catalog/notebooks.ts'
import { readSummaries } from '../../server/executions/application-summary.ts'
import { claimExecution } from '../../server/executions/claim.ts'
import { releaseExecution, takeBack } from '../../server/executions/leases.ts'
import { MAX_ATTEMPTS } from '../../server/executions/lifecycle.ts'
import type { Execution } from '../../server/executions/record.ts'
import { cancelExecution, recordEnd, recordLive } from '../../server/executions/store.ts'
import { minuteCounts, readStats } from '../../server/executions/usage.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { type ClockedDatabase, openClockedDatabase } from '../support/clock.ts'
import { makeApplication, makeExecution, makeNotebook, UNSEEN } from '../support/make.ts'
import { begunMinutes, type Ended, expectedCounts, expectedStats } from '../support/minutes-model.ts'

/** Each is some seconds before a border: of a leap day, a short February, a year, a month, a change of clocks. */
const BORDERS = [
  '2024-02-28T23:59:30Z',
  '2024-02-29T23:59:30Z',
  '2025-02-28T23:59:30Z',
  '2026-12-31T23:59:30Z',
  '2026-04-30T23:59:30Z',
  '2026-03-08T06:59:30Z',
  '2026-03-29T00:59:30Z',
  '2026-11-01T05:59:30Z',
  '2011-12-30T09:59:30Z',
  '2100-02-28T23:59:30Z',
].map((text) => Date.parse(text))

const STEP_MS = fc.oneof(
  fc.constantFrom(
    0,
    1,
    999,
    29_999,
    30_000,
    59_999,
    60_000,
    60_001,
    3_600_000,
    86_399_999,
    86_400_000,
    31 * 86_400_000,
  ),
  fc.integer({ min: 0, max: 7_200_000 }),
)
const ACTION = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), pick: fc.nat(3) }),
  fc.record({ kind: fc.constant('claim' as const), pick: fc.nat() }),
  fc.record({
    kind: fc.constantFrom('begin' as const, 'beginUnseen' as const, 'cancel' as const, 'lose' as const),
    pick: fc.nat(),
  }),
  fc.record({ kind: fc.constantFrom('release' as const, 'stale' as const, 'forget' as const), pick: fc.nat() }),
  fc.record({ kind: fc.constantFrom('completed' as const, 'errored' as const, 'timeout' as const), pick: fc.nat() }),
)
const HISTORY = fc.record({
  from: fc.constantFrom(...BORDERS),
  steps: fc.array(fc.tuple(STEP_MS, ACTION), { minLength: 1, maxLength: 40 }),
  ranges: fc.array(fc.tuple(fc.integer({ min: -90_000_000, max: 5e9 }), fc.nat(3e9)), { minLength: 2, maxLength: 4 }),
})
type History = typeof HISTORY extends fc.Arbitrary<infer T> ? T : never
type Action = History['steps'][number][1]

interface Run {
  readonly id: string
  readonly notebook: Place
  status: 'queued' | 'inProgress' | 'canceling' | 'ended'
  lost: number
  held: Execution | undefined
  /** Of the attempt that holds it: when its notebook began, and whether the database was told of it. */
  begun: number | undefined
  isTold: boolean
  /** Attempts that hold it no more. */
  readonly stale: Execution[]
}
interface Place {
  readonly notebookId: string
  readonly applicationId: string
  readonly userId: string
  readonly stored: StoredNotebook
}

/** Two applications of one user with two notebooks and one, and one of another user. */
async function makePlaces(db: Database): Promise<Place[]> {
  const first = await makeApplication(db)
  const [second, other] = [await makeApplication(db), await makeApplication(db)]
  await db.query('update applications set owner_id = $2 where id = $1', [second.id, first.ownerId])
  const at = async (applicationId: string, userId: string): Promise<Place> => {
    const stored = await makeNotebook(db, { applicationId })
    return { notebookId: stored.id, applicationId, userId, stored }
  }
  const { ownerId } = first
  return [
    await at(first.id, ownerId),
    await at(first.id, ownerId),
    await at(second.id, ownerId),
    await at(other.id, other.ownerId),
  ]
}

async function replay({ db, setClock }: ClockedDatabase, history: History): Promise<void> {
  const places = await makePlaces(db)
  const runs: Run[] = []
  const ended: Ended[] = []
  let now = history.from
  const end = (run: Run, status: Execution['status'], from: number | undefined, to: number) => {
    ended.push({ ...run.notebook, status, at: now, minutes: begunMinutes(from, to), logged: true })
    run.status = 'ended'
  }
  const act = async ({ kind, pick }: Action) => {
    const choose = (...statuses: Run['status'][]) => {
      const found = runs.filter(({ status }) => statuses.includes(status))
      return found[pick % found.length]
    }
    const giveUp = (run: Run, next: 'queued' | Execution['status']) => {
      if (run.held) run.stale.push(run.held)
      if (next === 'queued') run.status = 'queued'
      else end(run, next, run.isTold ? run.begun : undefined, now)
    }
    switch (kind) {
      case 'request': {
        const notebook = places[pick] ?? assert.fail()
        const id = await makeExecution(db, notebook.stored)
        runs.push({
          id,
          notebook,
          status: 'queued',
          lost: 0,
          held: undefined,
          begun: undefined,
          isTold: false,
          stale: [],
        })
        break
      }
      case 'claim': {
        const held = await claimExecution(db, 'a worker', 60_000)
        const run = runs.find(({ id }) => id === held?.id)
        assert.equal(run === undefined, !runs.some(({ status }) => status === 'queued'))
        if (run) Object.assign(run, { status: 'inProgress', held, begun: undefined, isTold: false })
        break
      }
      case 'begin':
      case 'beginUnseen': {
        const run = choose('inProgress')
        if (!run?.held || run.begun !== undefined) break
        Object.assign(run, { begun: now, isTold: kind === 'begin' })
        const standing = { cell: 1, cells: 2, phase: 'notebook', inputsCompletedAt: new Date(now) } as const
        if (run.isTold) await recordLive(db, run.held, standing, [])
        break
      }
      case 'completed':
      case 'errored':
      case 'timeout': {
        const run = choose('inProgress', 'canceling')
        if (!run?.held) break
        const status = run.status === 'canceling' ? 'canceled' : kind
        // The notebook was through a while before its outputs were.
        const notebookEnd = run.begun === undefined ? undefined : Math.max(run.begun, now - 45_000)
        const times = {
          ...(run.begun === undefined ? {} : { inputsCompletedAt: new Date(run.begun) }),
          ...(notebookEnd === undefined ? {} : { notebookCompletedAt: new Date(notebookEnd) }),
        }
        assert.equal(await recordEnd(db, run.held, status, [], {}, { ...UNSEEN, ...times }), true)
        run.stale.push(run.held)
        end(run, status, run.begun, notebookEnd ?? now)
        break
      }
      case 'cancel': {
        const run = choose('queued', 'inProgress', 'canceling', 'ended')
        if (!run) break
        const canceled = cancelExecution(db, run.notebook.notebookId, run.id)
        if (run.status === 'ended') await assert.rejects(canceled, { kind: 'notFound' })
        else await canceled
        if (run.status === 'inProgress') run.status = 'canceling'
        else if (run.status === 'queued') end(run, 'canceled', undefined, now)
        break
      }
      case 'lose': {
        const run = choose('inProgress', 'canceling')
        if (!run?.held) break
        assert.deepEqual(await takeBack(db, [run.held]), [run.id])
        run.lost += 1
        giveUp(run, run.status === 'canceling' ? 'canceled' : run.lost >= MAX_ATTEMPTS ? 'errored' : 'queued')
        break
      }
      case 'release': {
        const run = choose('inProgress', 'canceling')
        if (!run?.held) break
        await releaseExecution(db, run.held)
        giveUp(run, run.status === 'canceling' ? 'canceled' : 'queued')
        break
      }
      case 'stale': {
        // An attempt that was thought dead comes back with everything it knows.
        const stale = runs.flatMap((run) => run.stale)
        const holder = stale[pick % stale.length]
        if (!holder) break
        const late = { ...UNSEEN, inputsCompletedAt: new Date(history.from), notebookCompletedAt: new Date(now) }
        assert.equal(await recordEnd(db, holder, 'completed', [], {}, late), false)
        assert.deepEqual(await takeBack(db, [holder]), [])
        await releaseExecution(db, holder)
        break
      }
      case 'forget': {
        await db.query(`delete from executions where outputs_completed_at < $1`, [new Date(now - 86_400_000)])
        for (const one of ended) if (one.at < now - 86_400_000) one.logged = false
        // Their runs can't be chosen any more.
        runs.splice(0, runs.length, ...runs.filter(({ status }) => status !== 'ended'))
      }
    }
  }
  for (const [ms, action] of history.steps) {
    now += ms
    await setClock(new Date(now))
    await act(action)
  }
  now += 1
  await compare(db, places, runs, ended, history, now)
}

async function compare(
  db: Database,
  places: readonly Place[],
  runs: readonly Run[],
  ended: readonly Ended[],
  history: History,
  now: number,
): Promise<void> {
  const ranges = history.ranges.map(([from, length]) => {
    const start = Math.min(history.from + from, now)
    return { start, end: start + length }
  })
  for (const place of places) {
    for (const name of ['notebookId', 'applicationId', 'userId'] as const) {
      const own = ended.filter((one) => one[name] === place[name])
      const by = { [name]: place[name] } as Parameters<typeof minuteCounts>[1]
      for (const { start, end } of ranges) {
        const asked = { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
        const { counts } = await minuteCounts(db, by, asked, new Date(now))
        assert.deepEqual(counts, expectedCounts(own, start, end, now), `${name} from ${asked.start} to ${asked.end}`)
      }
      const month = await minuteCounts(db, by, {}, new Date(now))
      const first = Date.parse(`${new Date(now).toISOString().slice(0, 7)}-01T00:00:00Z`)
      assert.deepEqual(month.counts, expectedCounts(own, first, now, now), `${name}, the month so far`)
    }
    const stats = (await readStats(db, [place.notebookId], new Date(now)))(place.notebookId)
    const ofNotebook = ended.filter(({ notebookId }) => notebookId === place.notebookId)
    assert.deepEqual(stats, expectedStats(ofNotebook, now))
    const { applicationId } = place
    const query = { summaryInclude: 'notebookStats' }
    const summary = (await readSummaries(db, [applicationId], query, new Date(now)))(applicationId)
    const ofApplication = ended.filter((one) => one.applicationId === applicationId)
    const { errorsThisPeriod: _, ...rest } = expectedStats(ofApplication, now)
    const awaitingCompletion = runs.filter(
      ({ status, notebook }) => status !== 'ended' && notebook.applicationId === applicationId,
    ).length
    assert.deepEqual(summary, { notebookStats: { awaitingCompletion, ...rest } })
  }
}

for (const zone of ['UTC', 'America/New_York', 'Pacific/Apia']) {
  test(`minutes are what a list of all runs gives, in a database that lives in ${zone}`, async (t) => {
    const clocked = await openClockedDatabase(t, zone)
    await fc.assert(
      fc.asyncProperty(HISTORY, async (history) => {
        await clocked.db.query('delete from executions')
        await replay(clocked, history)
      }),
      { numRuns: 25 },
    )
  })
}
