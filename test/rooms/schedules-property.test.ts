/**
 * Schedules against a naive model: random expressions, zones, policies, down times and ends of executions, with several
 * processes at every look. SCHEDULE_RUNS sets how many, SCHEDULE_SEED repeats one.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { fireDue } from '../../server/executions/schedules/fire.ts'
import { createSchedule, getSchedule } from '../../server/executions/schedules/store.ts'
import { cancelExecution, listExecutions } from '../../server/executions/store.ts'
import { createLog } from '../../server/ground/log.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeCells, makeFolder, testLimits } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { CHANGES, expressionOf, fields, plannedTimes } from '../support/schedule-model.ts'

const RUNS = Number(process.env['SCHEDULE_RUNS'] ?? 30)
const SEED = process.env['SCHEDULE_SEED']
const NEVER = new AbortController().signal
const MINUTE_MS = 60_000

const policies = fc.record({
  catchUp: fc.constantFrom('none', 'last', 'all'),
  catchUpLimit: fc.integer({ min: 1, max: 4 }),
  overlap: fc.constantFrom('skip', 'queue'),
} as const)

/** What happens: some time passes in which nobody looks, then somebody does; or the oldest executions end. */
const steps = fc.array(
  fc.oneof(
    fc.record({ passMs: fc.oneof(fc.integer({ min: 1, max: 90_000 }), fc.integer({ min: 1, max: 12 * 3_600_000 })) }),
    fc.record({ end: fc.integer({ min: 1, max: 5 }) }),
  ),
  { minLength: 3, maxLength: 12 },
)

test('whatever passes, each planned time is queued once, or left out as the policies say', {
  timeout: 600_000,
}, async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(await makeFolder(t))
  const parts = { db, log: createLog('silent'), limits: testLimits }
  const property = fc.asyncProperty(
    fields,
    fc.constantFrom(...CHANGES),
    policies,
    fc.integer({ min: -20 * 60, max: 5 * 60 }),
    steps,
    async (wanted, [timeZone, change], drawn, startMinutes, todo) => {
      const policy = { ...drawn, overlap: drawn.catchUp === 'all' ? ('queue' as const) : drawn.overlap }
      const start = new Date(Date.parse(change) + startMinutes * MINUTE_MS)
      const lengthMs = todo.reduce((sum, step) => sum + ('passMs' in step ? step.passMs : 0), 0)
      const horizon = new Date(start.getTime() + lengthMs)
      const model = new Model(plannedTimes(wanted, timeZone, start, horizon), policy)
      const notebook = await makeCells({ db, blobs }, ['1'])
      const { id } = await createSchedule(db, notebook, { cron: expressionOf(wanted), timeZone, ...policy }, start)
      let now = start
      for (const step of todo) {
        if ('end' in step) {
          model.end(step.end)
          await endOldest(db, notebook.id, step.end)
          continue
        }
        now = new Date(now.getTime() + step.passMs)
        model.look(now)
        await Promise.all([fireDue(parts, now, NEVER), fireDue(parts, now, NEVER), fireDue(parts, now, NEVER)])
      }
      const executions = await listExecutions(db, notebook.id, 1000, undefined)
      const row = await getSchedule(db, notebook.id, id)
      assert.deepEqual(
        {
          queued: executions.map(({ relativeTo }) => relativeTo.toISOString()).toSorted(),
          missed: row.last_missed && [row.last_missed.from, row.last_missed.to],
          skipped: row.last_skipped?.plannedFor ?? null,
          isLate: row.next_run_at !== null && row.next_run_at <= now,
        },
        { ...model.told(), isLate: false },
      )
      // What is left must not be due for the next one.
      await db.query('delete from notebooks where id = $1', [notebook.id])
    },
  )
  await fc.assert(property, { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
})

async function endOldest(db: Database, notebookId: string, count: number): Promise<void> {
  const waiting = (await listExecutions(db, notebookId, 1000, undefined)).filter(({ status }) => status === 'queued')
  const oldest = waiting.toSorted((a, b) => a.relativeTo.getTime() - b.relativeTo.getTime()).slice(0, count)
  for (const { id } of oldest) await cancelExecution(db, notebookId, id)
}

interface Policy {
  readonly catchUp: 'none' | 'last' | 'all'
  readonly catchUpLimit: number
  readonly overlap: 'skip' | 'queue'
}

/** All planned times are known beforehand; each look takes those that have come. */
class Model {
  readonly #policy: Policy
  #ahead: readonly Date[]
  readonly #queued: string[] = []
  #unfinished = 0
  #missed: [string, string] | null = null
  #skipped: string | null = null

  constructor(planned: readonly Date[], policy: Policy) {
    this.#ahead = planned
    this.#policy = policy
  }

  end(count: number): void {
    this.#unfinished -= Math.min(count, this.#unfinished)
  }

  look(now: Date): void {
    const due = this.#ahead.filter((planned) => planned <= now)
    this.#ahead = this.#ahead.slice(due.length)
    const run = this.#chosen(due, now)
    const left = due.filter((planned) => !run.includes(planned)).map((planned) => planned.toISOString())
    if (left[0]) this.#missed = [left[0], left.at(-1) ?? '']
    for (const planned of run) {
      if (this.#policy.overlap === 'skip' && this.#unfinished > 0) this.#skipped = planned.toISOString()
      else {
        this.#queued.push(planned.toISOString())
        this.#unfinished += 1
      }
    }
  }

  told() {
    return { queued: this.#queued.toSorted(), missed: this.#missed, skipped: this.#skipped }
  }

  #chosen(due: readonly Date[], now: Date): readonly Date[] {
    switch (this.#policy.catchUp) {
      case 'none':
        return due.slice(-1).filter((planned) => now.getTime() - planned.getTime() <= MINUTE_MS)
      case 'last':
        return due.slice(-1)
      case 'all':
        return due.slice(-this.#policy.catchUpLimit)
    }
  }
}
