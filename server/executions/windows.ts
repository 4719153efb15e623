/** The windows of a backfill: a range of time cut into pieces of one length, by the calendar of a time zone where it has one. */

import { MAX_WINDOWS } from '../../contract/backfills.ts'
import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'

const UNITS: Readonly<Record<string, string>> = { D: 'day', W: 'week', M: 'month', Y: 'year', TH: 'hour', TM: 'minute' }

/** The words of PostgreSQL for a duration that the contract allows, and whether it is one of a clock, not of a calendar. */
export function intervalOf(window: string): { interval: string; isExact: boolean } {
  const [, time = '', count = '', letter = ''] = /^P(T?)(\d+)(\w)$/.exec(window) ?? []
  const unit = UNITS[time + letter]
  if (!unit) throw invalid(`backfill.window "${window}" is no duration of one unit`)
  return { interval: `${count} ${unit}`, isExact: time !== '' }
}

export interface WindowRange {
  readonly start: Date
  readonly end: Date
  readonly window: string
  readonly timeZone: string
}

/**
 * The ends of all windows, in order. Each is counted from the start: months from the 31st on end on the last day of shorter
 * ones and on the 31st of the others. Hours and minutes are those of a clock that is never changed.
 * @throws invalid when there is no such time zone, the range is inverted, has more than 1,000 windows, or does not end with
 *   one
 */
export async function windowEnds(db: Queryable, { start, end, window, timeZone }: WindowRange): Promise<Date[]> {
  const { interval, isExact } = intervalOf(window)
  if (start >= end) throw invalid('backfill.end must be later than backfill.start')
  const zone = await db.one<{ name: string }>(
    'select name from pg_timezone_names where lower(name) = lower($1) limit 1',
    [timeZone],
  )
  if (!zone) throw invalid(`backfill.timeZone "${timeZone}" is not known; it is an IANA name such as Europe/Berlin`)
  const rows = await db.query<{ ends: Date }>(
    `select (($1::timestamptz at time zone $2) + number * $3::interval) at time zone $2 as ends
     from generate_series(1, $4::int) as number order by number`,
    [start, isExact ? 'UTC' : zone.name, interval, MAX_WINDOWS + 1],
  )
  const ends = rows.map((row) => row.ends)
  const within = ends.filter((moment) => moment <= end)
  if (within.length > MAX_WINDOWS) {
    const last = ends[MAX_WINDOWS - 1]
    throw invalid(
      `The range has more than ${MAX_WINDOWS} windows of ${window}; from this start it may end at ${last?.toISOString()} at the latest`,
    )
  }
  if (within.at(-1)?.getTime() === end.getTime()) return within
  const around = [within.at(-1), ends[within.length]].flatMap((moment) => (moment ? [moment.toISOString()] : []))
  throw invalid(`backfill.end must be where a window ends: ${around.join(' or ')}`)
}
