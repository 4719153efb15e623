/**
 * Minutes and endings of executions, by UTC day. They are counted in `notebook_minutes` by the transaction that ends an
 * execution (a trigger), so a day costs one row of a notebook however many ran, and stays when logs go.
 */

import type { MinuteCount, MinuteCounts } from '../../contract/minutes.ts'
import type { NotebookStats } from '../../contract/notebooks.ts'
import { NOTEBOOK_COLUMNS, type NotebookRow, type StoredNotebook, toNotebook } from '../catalog/notebooks.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { readMoment } from '../ground/moments.ts'
import { prepared, type Queryable } from '../stores/postgres/database.ts'

const DAY_MS = 86_400_000

/** The first moment of the UTC month, which is the period of everything that is counted by it. */
export const periodStart = (now: Date) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()))

/** The days of the period that `$2` is in, as a condition on `notebook_minutes`. */
export const THIS_PERIOD = `day >= date_trunc('month', $2::timestamptz at time zone 'UTC')::date
  and day < (date_trunc('month', $2::timestamptz at time zone 'UTC') + interval '1 month')::date`

/** Minutes of a row of `executions`, so far if it has not ended: begun ones of the notebook phase. */
export const MINUTES =
  'billed_minutes(inputs_completed_at, notebook_completed_at, coalesce(outputs_completed_at, now()))'

/** Runs that ended, of rows of `notebook_minutes`. */
export const RUNS = 'coalesce(sum(completed + canceled + errored + timeout), 0)::int'

const STATS = prepared(`
  select notebook_id, sum(minutes)::int as minutes, ${RUNS} as runs, sum(errored + timeout)::int as errors
  from notebook_minutes where notebook_id = any ($1) and ${THIS_PERIOD} group by notebook_id`)

/** Statistics of the current month for each of the notebooks, of what ended in it; zeros where nothing did. */
export async function readStats(
  db: Queryable,
  notebookIds: readonly string[],
  now: Date,
): Promise<(notebookId: string) => NotebookStats> {
  const rows = await db.query<{ notebook_id: string; minutes: number; runs: number; errors: number }>(STATS, [
    notebookIds,
    now,
  ])
  const known = new Map(
    rows.map(({ notebook_id, minutes, runs, errors }) => [
      notebook_id,
      { minutesThisPeriod: minutes, runsThisPeriod: runs, errorsThisPeriod: errors },
    ]),
  )
  return (id) => known.get(id) ?? { minutesThisPeriod: 0, runsThisPeriod: 0, errorsThisPeriod: 0 }
}

const WITH_STATS = prepared(`
  select ${NOTEBOOK_COLUMNS}, used.minutes, used.runs, used.errors from notebooks
  left join lateral (
    select sum(minutes)::int as minutes, ${RUNS} as runs, sum(errored + timeout)::int as errors
    from notebook_minutes where notebook_id = notebooks.id and ${THIS_PERIOD}) used on true
  where id = $1 and application_id = $3`)

/** One notebook with its statistics, in one question instead of two: it is what is asked for most. @throws notFound */
export async function readWithStats(
  db: Queryable,
  applicationId: string,
  id: string,
  now: Date,
): Promise<{ notebook: StoredNotebook; stats: NotebookStats }> {
  const row = await db.one<NotebookRow & { minutes: number | null; runs: number; errors: number | null }>(WITH_STATS, [
    id,
    now,
    applicationId,
  ])
  if (!row) throw notFound('Notebook')
  const { minutes, runs, errors } = row
  const stats = { minutesThisPeriod: minutes ?? 0, runsThisPeriod: runs, errorsThisPeriod: errors ?? 0 }
  return { notebook: toNotebook(row), stats }
}

/** Days one answer may span; ten years. */
const MAX_DAYS = 3660

/** Whose runs are counted; those of a user are the ones of all applications that were his when they ended. */
export type UsedBy = { readonly notebookId: string } | { readonly applicationId: string } | { readonly userId: string }

/** How the two tables tell whose a row is; `$1` is the id. */
const OF = {
  notebookId: {
    counted: 'notebook_id = $1',
    executions: 'application_id = (select application_id from notebooks where id = $1) and notebook_id = $1',
  },
  applicationId: { counted: 'application_id = $1', executions: 'application_id = $1' },
  userId: {
    counted: 'owner_id = $1',
    executions: 'application_id in (select id from applications where owner_id = $1)',
  },
} as const

/**
 * What a notebook, all of an application or all of a user's used on every UTC day of a range, days without runs
 * included; by default the month of its end, and until now. An execution counts on the day it ended. Of a day that is
 * only partly in the range counts what ended within the range, both bounds included to the millisecond, as long as the
 * logs of that day are kept; afterwards all of the day.
 * @throws invalid when a bound is no time, the range is inverted or spans more than ten years
 */
export async function minuteCounts(
  db: Queryable,
  by: UsedBy,
  range: { start?: string; end?: string },
  now: Date,
): Promise<MinuteCounts> {
  const end = readMoment('end', range.end, now) ?? now
  const start = readMoment('start', range.start, now) ?? periodStart(end)
  if (start > end) throw invalid('start must not be later than end')
  const [first, last] = [dayOf(start), dayOf(end)]
  const days = last - first + 1
  if (days > MAX_DAYS) throw invalid(`start and end must be at most ${MAX_DAYS} days apart`)
  const [of, id] =
    'notebookId' in by
      ? [OF.notebookId, by.notebookId]
      : 'applicationId' in by
        ? [OF.applicationId, by.applicationId]
        : [OF.userId, by.userId]
  const rows = await db.query<DayRow>(
    `select day - date '1970-01-01' as day, sum(minutes)::int as minutes, sum(completed)::int as completed,
       sum(canceled)::int as canceled, sum(errored)::int as errored, sum(timeout)::int as timeout
     from notebook_minutes where ${of.counted} and day between date '1970-01-01' + $2::int and date '1970-01-01' + $3::int
     group by notebook_minutes.day`,
    [id, first, last],
  )
  const known = new Map(rows.map(({ day, ...counts }) => [day, counts]))
  // Nothing has ended later than now, whatever a clock says: today is counted whole.
  const until = end >= now ? undefined : new Date(end.getTime() + 1)
  for (const { day, logged, ...within } of await readParts(db, of.executions, id, partsOf(start, until))) {
    if (logged >= runsOf(known.get(day) ?? NONE)) known.set(day, within)
  }
  const counts = Array.from({ length: days }, (_, index) => ({
    date: new Date((first + index) * DAY_MS).toISOString(),
    ...(known.get(first + index) ?? NONE),
  }))
  return { start: start.toISOString(), end: end.toISOString(), counts }
}

type Counts = Omit<MinuteCount, 'date'>
/** Days are counted from 1970. */
type DayRow = Counts & { day: number }

const NONE: Counts = { minutes: 0, completed: 0, canceled: 0, errored: 0, timeout: 0 }

const dayOf = (moment: Date) => Math.floor(moment.getTime() / DAY_MS)
const runsOf = ({ completed, canceled, errored, timeout }: Counts) => completed + canceled + errored + timeout

/** A day that is not all in the range, and what is in the range of it. */
interface Part {
  readonly day: number
  readonly from: Date
  /** Not included. */
  readonly to: Date
}

/** At most two: where the range begins and where it ends, unless these are the bounds of a day. */
function partsOf(start: Date, until: Date | undefined): Part[] {
  const first = dayOf(start)
  const last = until ? dayOf(new Date(until.getTime() - 1)) : undefined
  return [...new Set([first, ...(last === undefined ? [] : [last])])].flatMap((day) => {
    const [midnight, next] = [new Date(day * DAY_MS), new Date((day + 1) * DAY_MS)]
    const [from, to] = [start > midnight ? start : midnight, until && until < next ? until : next]
    return from > midnight || to < next ? [{ day, from, to }] : []
  })
}

/** Counts executions one by one; `logged` are those of the whole day that are still there. */
async function readParts(
  db: Queryable,
  of: string,
  id: string,
  parts: readonly Part[],
): Promise<(DayRow & { logged: number })[]> {
  if (parts.length === 0) return []
  const count = (status: string) => `count(*) filter (where within and status = '${status}')::int as ${status}`
  return db.query(
    `select day, count(*)::int as logged,
       coalesce(sum(${MINUTES})
         filter (where within), 0)::int as minutes,
       ${['completed', 'canceled', 'errored', 'timeout'].map(count).join(', ')}
     from (
       select day, outputs_completed_at >= lower and outputs_completed_at < upper as within, status,
         inputs_completed_at, notebook_completed_at, outputs_completed_at
       from unnest($2::int[], $3::timestamptz[], $4::timestamptz[]) as part (day, lower, upper)
       join executions on ${of} and outputs_completed_at >= to_timestamp(day * ${DAY_MS / 1000}::float8)
         and outputs_completed_at < to_timestamp((day + 1) * ${DAY_MS / 1000}::float8)
     ) as ended group by day`,
    [id, parts.map(({ day }) => day), parts.map(({ from }) => from), parts.map(({ to }) => to)],
  )
}
