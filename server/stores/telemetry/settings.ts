/** What an application's history is kept by, and how much of it there is. */

import type { Queryable } from '../postgres/database.ts'
import { LAST_SEQ } from './cut.ts'
import { lockForgetting } from './tombstones.ts'
import { type Keeping, retentionStart } from './view.ts'

export interface HistorySize {
  /** How long states are kept, in ms; null as the installation says, 0 for ever. */
  readonly retentionMs: number | null
  /** Reports in the database that are not sealed yet. */
  readonly hotReports: number
  readonly segments: number
  /** States in segments; the same device and time may be in several until they are compacted. */
  readonly sealedStates: number
  readonly sealedBytes: number
}

/** The setting and the size. */
export async function describeHistory(db: Queryable, applicationId: string): Promise<HistorySize> {
  const row = await db.one<HistorySize>(
    `select
       (select retention_ms from telemetry where application_id = $1) as "retentionMs",
       (select count(*) from hot_states where application_id = $1) as "hotReports",
       count(*) as segments, coalesce(sum(rows), 0)::bigint as "sealedStates", coalesce(sum(bytes), 0)::bigint as "sealedBytes"
     from segments where application_id = $1`,
    [applicationId],
  )
  if (!row) throw new Error('an aggregate gave no row')
  return row
}

/**
 * Sets how long states are kept: null as the installation says, 0 for ever. What was too old before is forgotten for
 * good, so that a longer time does not bring back what happened not to be deleted yet.
 */
export async function setRetention(
  tx: Queryable,
  applicationId: string,
  retentionMs: number | null,
  keeping: Keeping,
): Promise<void> {
  await lockForgetting(tx, applicationId)
  const start = await retentionStart(tx, applicationId, keeping)
  if (start > -Number.MAX_SAFE_INTEGER) {
    await tx.query('delete from hot_states where application_id = $1 and ts < $2', [applicationId, start])
    await tx.query(
      `insert into tombstones (application_id, to_ts, up_to_seq)
       values ($1, $2, ${LAST_SEQ})`,
      [applicationId, start],
    )
  }
  await tx.query(
    `insert into telemetry (application_id, retention_ms) values ($1, $2)
     on conflict (application_id) do update set retention_ms = excluded.retention_ms`,
    [applicationId, retentionMs],
  )
}
