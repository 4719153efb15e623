/** The job that tends the histories of all applications: it looks every few seconds who needs it. */

import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../ground/errors.ts'
import type { Database } from '../postgres/database.ts'
import { lastSeq, settledSeq } from './cut.ts'
import { tendApplication } from './tending.ts'
import type { Writers } from './writing.ts'

export interface UpkeepOptions {
  /** How long reports stay hot. */
  readonly sealAgeMs: number
  /** An application with so many hot reports is sealed before that. */
  readonly sealRows: number
  /** How long replaced files stay. */
  readonly graceMs: number
  readonly log: (event: string, fields: Record<string, unknown>) => void
}

const LONGEST_PAUSE_MS = 15_000
/** A writer that takes longer keeps what came after it from being sealed, until the next round. */
const SETTLE_LIMIT_MS = 30_000

/** Starts the job; disposing it interrupts what it does, which loses nothing. */
export function openUpkeep(writers: Writers, options: UpkeepOptions): AsyncDisposable {
  const stop = new AbortController()
  const going = keepUp(writers, options, stop.signal)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await going
    },
  }
}

async function keepUp(writers: Writers, options: UpkeepOptions, signal: AbortSignal): Promise<void> {
  const { log, sealAgeMs } = options
  const pauseMs = Math.max(20, Math.min(LONGEST_PAUSE_MS, sealAgeMs / 6))
  // Reports carry no time of their own arrival: what was the last one `sealAgeMs` ago is old enough now.
  const seen: { at: number; seq: number }[] = []
  while (!signal.aborted) {
    try {
      seen.push({ at: performance.now(), seq: await lastSeq(writers.db) })
      const old = seen.findLastIndex(({ at }) => performance.now() - at >= sealAgeMs)
      if (old > 0) seen.splice(0, old)
      await round(writers, options, old < 0 ? 0 : (seen[0]?.seq ?? 0), signal)
    } catch (error) {
      if (!signal.aborted) log('upkeep of telemetry failed, and is tried again', { error: messageOf(error) })
    }
    await pause(pauseMs, undefined, { signal }).catch(() => {})
  }
}

async function round(writers: Writers, options: UpkeepOptions, oldSeq: number, signal: AbortSignal): Promise<void> {
  const due = await whoNeedsIt(writers, options, oldSeq)
  if (due.length === 0) return
  const sealTo = await settledSeq(writers.db, SETTLE_LIMIT_MS, signal)
  for (const applicationId of due) {
    const startedAt = performance.now()
    signal.throwIfAborted()
    try {
      const done = await tendApplication(writers, applicationId, { sealTo, graceMs: options.graceMs }, signal)
      if (done) options.log('telemetry tended', { applicationId, tookMs: Math.round(performance.now() - startedAt) })
    } catch (error) {
      // What is wrong with one history, a file that is lost say, must not keep those after it from being sealed.
      if (!signal.aborted) options.log('telemetry not tended', { applicationId, error: messageOf(error) })
    }
  }
  // Dead rows of the hot table would be walked over by every read until the system's own vacuum comes.
  await vacuumHot(writers.db)
}

/** In a session of its own: where there is much to clear it takes longer than a statement of the pool may. */
export async function vacuumHot(db: Database): Promise<void> {
  await using session = await db.connect()
  await session.query('vacuum (skip_locked) hot_states')
}

/** Applications with old or many hot reports, something to forget, states too old, or files to delete. */
async function whoNeedsIt(
  { db, keeping }: { db: Database; keeping: Writers['keeping'] },
  { sealRows, graceMs }: UpkeepOptions,
  oldSeq: number,
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select application_id as id from hot_states group by application_id having min(seq) <= $1 or count(*) >= $2
     union select application_id from tombstones
     union select application_id from segment_garbage where since <= now() - $3 * interval '1 ms'
     union select segments.application_id from segments left join telemetry using (application_id)
       where max_ts < $4 - case when retention_ms is null then $5::bigint else nullif(retention_ms, 0) end
     order by id`,
    [oldSeq, sealRows, graceMs, keeping.now().getTime(), keeping.retentionMs ?? null],
  )
  return rows.map(({ id }) => id)
}
