/**
 * How much of what devices reported was not stored, and why. Counted in memory (ground/tally.ts), because a write for
 * each report would cost more than the report.
 */

import type { IgnoredReason } from '../../../contract/states.ts'
import type { Log } from '../../ground/log.ts'
import { createTally } from '../../ground/tally.ts'
import type { Queryable } from '../postgres/database.ts'
import type { Ignored } from './states.ts'

export interface IgnoredCounts extends AsyncDisposable {
  /** Counts what one report of a device lost. */
  add(deviceId: string, ignored: Ignored): void
  /** Writes what was counted so far; a database that is away gets it later. */
  write(): Promise<void>
}

interface Count {
  readonly deviceId: string
  readonly reason: IgnoredReason
  readonly count: number
}

/** Opens the counters of this process; closing writes what is left. */
export function openIgnoredCounts(db: Queryable, log: Log): IgnoredCounts {
  const tally = createTally<Count>((counts) => writeCounts(db, counts), { log, what: 'counts of ignored reports' })
  return {
    add: (deviceId, ignored) => {
      // Only reasons are keys of it; TypeScript gives the keys of any object as plain text.
      for (const [reason, count] of Object.entries(ignored) as [IgnoredReason, number][]) {
        tally.add(`${deviceId} ${reason}`, { deviceId, reason, count })
      }
    },
    write: tally.write,
    [Symbol.asyncDispose]: tally.write,
  }
}

/** Adds to what is there. A device that is gone for good takes its counts with it. */
async function writeCounts(db: Queryable, counts: readonly Count[]): Promise<void> {
  if (counts.length === 0) return
  await db.query(
    `insert into ignored_reports (application_id, device_id, reason, count, last_at)
     select devices.application_id, devices.id, given.reason, given.count, now()
     from unnest($1::text[], $2::text[], $3::bigint[]) as given (device_id, reason, count)
     join devices on devices.id = given.device_id
     order by devices.id, given.reason
     for key share of devices
     on conflict (application_id, device_id, reason)
     do update set count = ignored_reports.count + excluded.count, last_at = excluded.last_at`,
    [counts.map(({ deviceId }) => deviceId), counts.map(({ reason }) => reason), counts.map(({ count }) => count)],
  )
}

/** What was counted of an application, by device and reason. */
export interface IgnoredRow {
  readonly device_id: string
  readonly counts: Ignored
  readonly last_at: Date
}

/** One page of the devices of an application whose reports were ignored, those of late first, and how many there are. */
export async function readIgnored(
  db: Queryable,
  applicationId: string,
  { deviceId, limit, offset }: { deviceId: string | undefined; limit: number; offset: number },
): Promise<{ rows: IgnoredRow[]; devices: number; total: Ignored }> {
  const values = [applicationId, deviceId ?? null]
  const from = 'from ignored_reports where application_id = $1 and ($2::text is null or device_id = $2)'
  const rows = await db.query<IgnoredRow>(
    `select device_id, jsonb_object_agg(reason, count) as counts, max(last_at) as last_at ${from}
     group by device_id order by last_at desc, device_id limit $3 offset $4`,
    [...values, limit, offset],
  )
  const reasons = await db.query<{ reason: IgnoredReason; count: number }>(
    `select reason, sum(count)::bigint as count ${from} group by reason`,
    values,
  )
  const devices = await db.one<{ count: number }>(`select count(distinct device_id)::integer as count ${from}`, values)
  return {
    rows,
    devices: devices?.count ?? 0,
    total: Object.fromEntries(reasons.map(({ reason, count }) => [reason, count])),
  }
}
