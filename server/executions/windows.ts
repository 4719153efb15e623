/** The windows of a backfill: a range of time cut into pieces of one length, by the calendar of a time zone where it has one. */

import { MAX_WINDOWS } from '../../contract/backfills.ts'
import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS

/** What PostgreSQL calls a unit, and how short one is at the least on a wall clock. */
const UNITS: Readonly<Record<string, readonly [name: string, shortestMs: number]>> = {
  D: ['day', DAY_MS],
  W: ['week', 7 * DAY_MS],
  M: ['month', 28 * DAY_MS],
  Y: ['year', 365 * DAY_MS],
  TH: ['hour', 60 * MINUTE_MS],
  TM: ['minute', MINUTE_MS],
}

/** A wall clock and UTC come apart over a range by less than this, whatever a zone did to its clock. */
const SLACK_MS = 2 * DAY_MS

interface WindowLength {
  /** In the words of PostgreSQL. */
  readonly interval: string
  /** Whether it is one of a clock, not of a calendar. */
  readonly isExact: boolean
  readonly shortestMs: number
}

/** What a duration means that the contract allows. @throws invalid for any other */
export function intervalOf(window: string): WindowLength {
  const [, time = '', count = '', letter = ''] = /^P(T?)(\d+)(\w)$/.exec(window) ?? []
  const unit = UNITS[time + letter]
  if (!unit) throw invalid(`backfill.window "${window}" is no duration of one unit`)
  const [name, shortestMs] = unit
  return { interval: `${count} ${name}`, isExact: time !== '', shortestMs: Number(count) * shortestMs }
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
  const { interval, isExact, shortestMs } = intervalOf(window)
  if (start >= end) throw invalid('backfill.end must be later than backfill.start')
  const zone = await requireZone(db, timeZone)
  // None is computed that ends long after the range: a thousand times 9,999 years are more than the calendar has.
  const most = Math.min(MAX_WINDOWS + 1, Math.ceil((end.getTime() - start.getTime() + SLACK_MS) / shortestMs) + 1)
  const rows = await db.query<{ ends: Date }>(
    `select (($1::timestamptz at time zone $2) + number * $3::interval) at time zone $2 as ends
     from generate_series(1, $4::int) as number order by number`,
    [start, isExact ? 'UTC' : zone, interval, most],
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

/** Names in small letters, and how they are spelt: as many as there are time zones. */
const known = new Map<string, string>()

/**
 * A time zone as the database knows it, which reads all of their files to find one: so only those are looked for that Node
 * knows, and once. @throws invalid when there is no such time zone
 */
async function requireZone(db: Queryable, timeZone: string): Promise<string> {
  const key = timeZone.toLowerCase()
  const found = known.get(key) ?? (isZone(timeZone) ? await findZone(db, key) : undefined)
  if (found === undefined) {
    throw invalid(`backfill.timeZone "${timeZone}" is not known; it is an IANA name such as Europe/Berlin`)
  }
  known.set(key, found)
  return found
}

async function findZone(db: Queryable, key: string): Promise<string | undefined> {
  const row = await db.one<{ name: string }>('select name from pg_timezone_names where lower(name) = $1 limit 1', [key])
  return row?.name
}

function isZone(timeZone: string): boolean {
  // Node takes offsets for zones, too.
  if (/^[+-]/.test(timeZone)) return false
  try {
    Intl.DateTimeFormat('en-US', { timeZone })
    return true
  } catch {
    return false
  }
}
