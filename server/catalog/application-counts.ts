/** How many devices applications had: by day, and how many were made and deleted meanwhile. */

import { invalid } from '../ground/errors.ts'
import { readMoment } from '../ground/moments.ts'
import type { Queryable } from '../stores/postgres/database.ts'

const DAY_MS = 86_400_000

/** Days one answer may span; ten years. */
const MAX_DAYS = 3660

/** What a range is that nobody gave: thirty days up to now, as the published API counts other things. */
const DEFAULT_MS = 30 * DAY_MS

export interface DeviceDay {
  /** The UTC day's first moment. */
  readonly date: string
  readonly created: number
  readonly deleted: number
  /** At the end of the day, or of the range on its last one. */
  readonly total: number
}

/**
 * Devices on every UTC day of a range; those that are gone for good are counted where they were. A device that was
 * restored counts as never deleted.
 * @throws invalid when a bound is no time, the range is inverted or spans more than ten years
 */
export async function deviceCounts(
  db: Queryable,
  applicationIds: readonly string[],
  range: { readonly start?: string; readonly end?: string },
  now: Date,
): Promise<{ start: string; end: string; counts: DeviceDay[] }> {
  const end = readMoment('end', range.end, now) ?? now
  const start = readMoment('start', range.start, now) ?? new Date(end.getTime() - DEFAULT_MS)
  if (start > end) throw invalid('start must not be later than end')
  const firstDay = Math.floor(start.getTime() / DAY_MS) * DAY_MS
  const days = Math.floor((end.getTime() - firstDay) / DAY_MS) + 1
  if (days > MAX_DAYS) throw invalid(`start and end must be at most ${MAX_DAYS} days apart`)
  const rows = await db.query<{ day: number | null; created: number; deleted: number }>(
    `select case when at >= $2 then extract(epoch from date_trunc('day', at at time zone 'UTC'))::bigint * 1000 end as day,
       count(*) filter (where made)::int as created, count(*) filter (where not made)::int as deleted
     from (select created_at, deleted_at from devices where application_id = any ($1)
           union all select created_at, deleted_at from purged_devices where application_id = any ($1)) lives,
       lateral (values (created_at, true), (deleted_at, false)) as happened (at, made)
     where at <= $3 group by day`,
    [applicationIds, start, end],
  )
  const known = new Map(rows.map((row) => [row.day, row]))
  const before = known.get(null)
  let total = (before?.created ?? 0) - (before?.deleted ?? 0)
  const counts = Array.from({ length: days }, (_, index) => {
    const day = firstDay + index * DAY_MS
    const { created = 0, deleted = 0 } = known.get(day) ?? {}
    total += created - deleted
    return { date: new Date(day).toISOString(), created, deleted, total }
  })
  return { start: start.toISOString(), end: end.toISOString(), counts }
}
