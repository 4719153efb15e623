/** Minutes and endings of executions: by notebook for the current month, and by day for a range. */

import type { MinuteCounts } from '../../contract/executions.ts'
import type { NotebookStats } from '../../contract/notebooks.ts'
import { invalid } from '../ground/errors.ts'
import { readMoment } from '../ground/moments.ts'
import type { Queryable } from '../stores/postgres/database.ts'

/** Billed minutes of an execution row: begun minutes of the notebook phase, none when it never began. */
export const MINUTES = `case when inputs_completed_at is null then 0
  else greatest(1, ceil(extract(epoch from coalesce(notebook_completed_at, outputs_completed_at, now()) - inputs_completed_at) / 60))
end`

const DAY_MS = 86_400_000

/** The first moment of the UTC month. */
export const periodStart = (now: Date) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()))

/** Statistics of the current month for each of the notebooks; a notebook that never ran has zeros. */
export async function readStats(
  db: Queryable,
  notebookIds: readonly string[],
  now: Date,
): Promise<(notebookId: string) => NotebookStats> {
  const rows = await db.query<{ notebook_id: string; minutes: number; runs: number; errors: number }>(
    `select notebook_id, coalesce(sum(${MINUTES}), 0)::int as minutes, count(*)::int as runs,
       count(*) filter (where status in ('errored', 'timeout'))::int as errors
     from executions where notebook_id = any ($1) and queued_at >= $2 group by notebook_id`,
    [notebookIds, periodStart(now)],
  )
  const known = new Map(
    rows.map(({ notebook_id, minutes, runs, errors }) => [
      notebook_id,
      { minutesThisPeriod: minutes, runsThisPeriod: runs, errorsThisPeriod: errors },
    ]),
  )
  return (id) => known.get(id) ?? { minutesThisPeriod: 0, runsThisPeriod: 0, errorsThisPeriod: 0 }
}

/** Days one answer may span; ten years. */
const MAX_DAYS = 3660

/** Whose runs are counted. */
export type UsedBy = { readonly notebookId: string } | { readonly applicationId: string }

/**
 * What a notebook, or all of an application, used on every UTC day of a range, days without runs included; by default
 * this month so far. Runs of notebooks that were deleted are not counted.
 * @throws invalid when a bound is no time, the range is inverted or spans more than ten years
 */
export async function minuteCounts(
  db: Queryable,
  by: UsedBy,
  range: { start?: string; end?: string },
  now: Date,
): Promise<MinuteCounts> {
  const start = readMoment('start', range.start, now) ?? periodStart(now)
  const end = readMoment('end', range.end, now) ?? now
  if (start > end) throw invalid('start must not be later than end')
  const firstDay = Math.floor(start.getTime() / DAY_MS) * DAY_MS
  const days = Math.floor((end.getTime() - firstDay) / DAY_MS) + 1
  if (days > MAX_DAYS) throw invalid(`start and end must be at most ${MAX_DAYS} days apart`)
  const [column, id] = 'notebookId' in by ? ['notebook_id', by.notebookId] : ['application_id', by.applicationId]
  const rows = await db.query<DayRow>(
    `select extract(epoch from date_trunc('day', outputs_completed_at at time zone 'UTC'))::bigint * 1000 as day,
       sum(${MINUTES})::int as minutes,
       count(*) filter (where status = 'completed')::int as completed,
       count(*) filter (where status = 'canceled')::int as canceled,
       count(*) filter (where status = 'errored')::int as errored,
       count(*) filter (where status = 'timeout')::int as timeout
     from executions
     where ${column} = $1 and outputs_completed_at >= $2 and outputs_completed_at <= $3 group by day`,
    [id, start, end],
  )
  const known = new Map(rows.map(({ day, ...counts }) => [day, counts]))
  const counts = Array.from({ length: days }, (_, index) => {
    const day = firstDay + index * DAY_MS
    return { date: new Date(day).toISOString(), ...(known.get(day) ?? NONE) }
  })
  return { start: start.toISOString(), end: end.toISOString(), counts }
}

interface DayRow {
  day: number
  minutes: number
  completed: number
  canceled: number
  errored: number
  timeout: number
}

const NONE = { minutes: 0, completed: 0, canceled: 0, errored: 0, timeout: 0 }
