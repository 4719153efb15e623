/**
 * Queues what schedules have planned. Each due schedule is one transaction: it locks the row, queues its executions and
 * moves the row on to its next time, so that any number of processes may be at it, and a crash leaves nothing half done.
 */

import type { Schedule } from '../../../contract/schedules.ts'
import { getNotebook } from '../../catalog/notebooks.ts'
import type { Config } from '../../ground/config.ts'
import { AppError, type ErrorKind, messageOf } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import type { Log } from '../../ground/log.ts'
import type { Database, Transaction } from '../../stores/postgres/database.ts'
import { UNFINISHED } from '../lifecycle.ts'
import { requestExecution } from '../request.ts'
import { planDue } from './plan.ts'
import type { StoredSchedule } from './store.ts'
import { timesOf } from './times.ts'

export interface SchedulingParts {
  readonly db: Database
  readonly log: Log
  readonly limits: Config['limits']
}

/** The words of the API's own answers for what can be wrong here. */
const TYPES: Partial<Record<ErrorKind, string>> = {
  invalid: 'Validation',
  notFound: 'NotFound',
  tooLarge: 'LimitExceeded',
  limited: 'LimitExceeded',
}

/** Executions of one schedule that may wait for one another. */
const MAX_WAITING = 100

/**
 * Sees to every schedule that is due at `now`, and gives the ids of those that could not be seen to because of a fault:
 * they are as they were, and due still.
 */
export async function fireDue(parts: SchedulingParts, now: Date, signal: AbortSignal): Promise<readonly string[]> {
  const faulty: string[] = []
  while (!signal.aborted) {
    const seen = await fireNext(parts, now, faulty)
    if (!seen) break
    if (seen.fault !== undefined) {
      faulty.push(seen.id)
      await tellFault(parts, seen.id, messageOf(seen.fault), now)
    }
  }
  return faulty
}

/** A fault of ours is no secret to the owner, but its text is for the log. */
async function tellFault({ db, log }: SchedulingParts, id: string, error: string, now: Date): Promise<void> {
  const reference = newId(now)
  log.error({ reference, scheduleId: id, error }, 'schedule not seen to')
  await db.query(
    `update schedules set last_error = jsonb_build_object('plannedFor', $2::text, 'seenAt', $2::text, 'type', 'Error',
       'message', $3::text) where id = $1 and next_run_at <= $4`,
    [id, now.toISOString(), `Something went wrong on our side and is tried again; its reference is ${reference}`, now],
  )
}

/** The one that is due for the longest, of those that no other process is at. */
async function fireNext(
  { db, limits }: SchedulingParts,
  now: Date,
  except: readonly string[],
): Promise<{ id: string; fault?: unknown } | undefined> {
  let id: string | undefined
  try {
    return await db.transaction(async (tx) => {
      // Of an application that is being deleted nothing is run any more. A notebook that is being deleted has a lock that
      // its schedules' must not wait for: the deletion will want theirs.
      const [row] = await tx.query<StoredSchedule>(
        `select schedules.* from schedules join applications on applications.id = schedules.application_id
         join notebooks on notebooks.id = schedules.notebook_id
         where next_run_at <= $1 and not (schedules.id = any ($2)) and applications.deleted_at is null
         order by next_run_at, schedules.id
         for update of schedules skip locked for key share of notebooks skip locked limit 1`,
        [now, except],
      )
      if (!row?.next_run_at) return undefined
      id = row.id
      await fire(tx, row, row.next_run_at, limits, now)
      return { id }
    })
  } catch (fault) {
    // Without an id the database itself is in trouble, and whoever called tries again.
    if (id === undefined) throw fault
    return { id, fault }
  }
}

type Outcome = Pick<Schedule, 'lastRun' | 'lastSkipped' | 'lastError'>

async function fire(tx: Transaction, row: StoredSchedule, nextRunAt: Date, limits: Config['limits'], now: Date) {
  const due = { catchUp: row.catch_up, catchUpLimit: row.catch_up_limit, nextRunAt }
  const { run, missed, next } = planDue(due, timesOf(row.cron, row.time_zone), now)
  const seenAt = now.toISOString()
  const outcome: Outcome = {}
  for (const planned of run) Object.assign(outcome, await queuePlanned(tx, row, planned, limits, now))
  await tx.query(
    `update schedules set next_run_at = $2, last_run = coalesce($3, last_run), last_missed = coalesce($4, last_missed),
       last_skipped = coalesce($5, last_skipped), last_error = coalesce($6, last_error) where id = $1`,
    [
      row.id,
      next ?? null,
      outcome.lastRun ?? null,
      missed ? { from: missed.from.toISOString(), to: missed.to.toISOString(), seenAt } : null,
      outcome.lastSkipped ?? null,
      outcome.lastError ?? null,
    ],
  )
}

/** Queues the execution of one planned time, or tells why not. */
async function queuePlanned(
  tx: Transaction,
  row: StoredSchedule,
  planned: Date,
  limits: Config['limits'],
  now: Date,
): Promise<Outcome> {
  const { baseUrl, ...told } = row.tells
  const [plannedFor, seenAt] = [planned.toISOString(), now.toISOString()]
  const unfinished = await tx.query(`select from executions where schedule_id = $1 and status in ${UNFINISHED}`, [
    row.id,
  ])
  if (row.overlap === 'skip' && unfinished.length > 0) {
    return { lastSkipped: { plannedFor, seenAt, reason: 'the execution before it had not ended' } }
  }
  if (unfinished.length >= MAX_WAITING) {
    return { lastSkipped: { plannedFor, seenAt, reason: `${MAX_WAITING} executions of the schedule had not ended` } }
  }
  try {
    const executionId = await requestExecution(
      tx,
      await getNotebook(tx, row.application_id, row.notebook_id),
      { relativeTo: plannedFor, ...told, ...(row.template_context ? { templateContext: row.template_context } : {}) },
      {
        sourceType: 'flow',
        sourceId: row.id,
        schedule: { id: row.id, plannedFor: planned },
        ...(baseUrl ? { baseUrl } : {}),
      },
      limits,
      now,
    )
    return { lastRun: { plannedFor, queuedAt: seenAt, executionId } }
  } catch (error) {
    if (!(error instanceof AppError) || error.kind === 'unavailable') throw error
    return { lastError: { plannedFor, seenAt, type: TYPES[error.kind] ?? 'Error', message: error.message } }
  }
}
