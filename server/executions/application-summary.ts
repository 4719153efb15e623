/** What is in applications, counted, for those who ask for a summary with them. */

import type { ApplicationSummary } from '../../contract/applications.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { UNFINISHED } from './lifecycle.ts'
import { RUNS, THIS_PERIOD } from './usage.ts'

export interface SummaryQuery {
  readonly summaryInclude?: string
  readonly summaryExclude?: string
}

const counted = (table: string, condition = 'true') =>
  `select application_id, count(*)::int as value from ${table}
   where application_id = any ($1) and ${condition} group by application_id`

/** One statement for each field: rows of application_id and value. `$2` is now, where it is used. */
const FIELDS: Readonly<Record<keyof ApplicationSummary, string>> = {
  dataTableCount: counted('data_tables'),
  deviceCount: counted('devices', 'deleted_at is null'),
  eventCount: counted('events'),
  fileCount: counted('files', `type = 'file' and not private`),
  notebookCount: counted('notebooks'),
  notebookStats: `select application_id, jsonb_build_object(
      'awaitingCompletion', coalesce(awaiting, 0), 'minutesThisPeriod', coalesce(minutes, 0),
      'runsThisPeriod', coalesce(runs, 0)) as value
    from (
      select application_id, count(*)::int as awaiting from executions
      where application_id = any ($1) and status in ${UNFINISHED} group by application_id
    ) as unfinished full join (
      select application_id, sum(minutes)::int as minutes, ${RUNS} as runs from notebook_minutes
      where application_id = any ($1) and ${THIS_PERIOD} group by application_id
    ) as ended using (application_id)`,
  privateFileCount: counted('files', `type = 'file' and private`),
}

const EMPTY_STATS = { awaitingCompletion: 0, minutesThisPeriod: 0, runsThisPeriod: 0 }

/**
 * The fields a request asks for: those it includes, or all but those it excludes; none when it says neither. Names of
 * what there is not are passed over, because the original has more.
 */
export function summaryFields(query: SummaryQuery): (keyof ApplicationSummary)[] {
  const isField = (name: string): name is keyof ApplicationSummary => Object.hasOwn(FIELDS, name)
  return chosen(Object.keys(FIELDS).filter(isField), query)
}

/** Those of the names that a request asks for. */
export function chosen<T extends string>(all: readonly T[], { summaryInclude, summaryExclude }: SummaryQuery): T[] {
  const namesOf = (text = '') => new Set(text.split(',').map((name) => name.trim()))
  const [included, excluded] = [namesOf(summaryInclude), namesOf(summaryExclude)]
  if (summaryInclude) return all.filter((name) => included.has(name) && !excluded.has(name))
  return summaryExclude ? all.filter((name) => !excluded.has(name)) : []
}

/** The summaries of applications by their ids; undefined of all when no field is asked for. */
export async function readSummaries(
  db: Queryable,
  applicationIds: readonly string[],
  query: SummaryQuery,
  now: Date,
): Promise<(applicationId: string) => ApplicationSummary | undefined> {
  const fields = summaryFields(query)
  if (fields.length === 0) return () => undefined
  const known = new Map<string, Record<string, unknown>>()
  for (const field of fields) {
    const sql = FIELDS[field]
    const values = sql.includes('$2') ? [applicationIds, now] : [applicationIds]
    const rows = await db.query<{ application_id: string; value: unknown }>(sql, values)
    for (const { application_id, value } of rows) {
      known.set(application_id, { ...known.get(application_id), [field]: value })
    }
  }
  const empty = Object.fromEntries(fields.map((field) => [field, field === 'notebookStats' ? EMPTY_STATS : 0]))
  return (id) => ({ ...empty, ...known.get(id) })
}
