/** What a user has in all applications of their own, and what the installation lets them have. */

import type { InstallationLimits } from '../../contract/limits.ts'
import type { MeLimits, MeSummary } from '../../contract/me.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { chosen, readSummaries, type SummaryQuery } from './application-summary.ts'

/** What is counted beside what applications are counted by. */
const OWN = {
  apiTokenCount: 'select count(*)::int as value from api_tokens where user_id = $1 or application_id = any ($2)',
  appCount: 'select cardinality($2::text[]) as value where $1::text is not null',
  keyCount:
    'select count(*)::int as value from application_keys where $1::text is not null and application_id = any ($2)',
}

const IN_APPLICATIONS = [
  'dataTableCount',
  'deviceCount',
  'eventCount',
  'fileCount',
  'notebookCount',
  'privateFileCount',
] as const

const OWN_NAMES = ['apiTokenCount', 'appCount', 'keyCount'] as const

/** The ids of a user's own applications, not of those that were shared with them. */
export async function ownApplications(db: Queryable, userId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    'select id from applications where owner_id = $1 and deleted_at is null order by id',
    [userId],
  )
  return rows.map(({ id }) => id)
}

/** The fields a request asks for; undefined when it asks for none. */
export async function readAccountSummary(
  db: Queryable,
  userId: string,
  query: SummaryQuery,
  now: Date,
): Promise<MeSummary | undefined> {
  const names = chosen([...OWN_NAMES, ...IN_APPLICATIONS, 'notebookStats'], query)
  if (names.length === 0) return undefined
  const ids = await ownApplications(db, userId)
  const summaryOf = await readSummaries(db, ids, query, now)
  const summaries = ids.flatMap((id) => summaryOf(id) ?? [])
  const total = (values: readonly (number | undefined)[]) =>
    values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  const summary: MeSummary = {}
  for (const name of OWN_NAMES.filter((one) => names.includes(one))) {
    summary[name] = (await db.one<{ value: number }>(OWN[name], [userId, ids]))?.value ?? 0
  }
  for (const name of IN_APPLICATIONS.filter((one) => names.includes(one))) {
    summary[name] = total(summaries.map((one) => one[name]))
  }
  if (names.includes('notebookStats')) {
    const stats = summaries.map(({ notebookStats }) => notebookStats)
    summary.notebookStats = {
      awaitingCompletion: total(stats.map((one) => one?.awaitingCompletion)),
      minutesThisPeriod: total(stats.map((one) => one?.minutesThisPeriod)),
      runsThisPeriod: total(stats.map((one) => one?.runsThisPeriod)),
    }
  }
  return summary
}

/** Under the published names; what is not limited is left out. */
export function accountLimits({ total, runMinutes, bodyBytes }: InstallationLimits): MeLimits {
  return {
    ...(total.notebooks > 0 ? { notebook: total.notebooks } : {}),
    ...(total.parallelExecutions > 0 ? { notebookInParallel: total.parallelExecutions } : {}),
    ...(total.minutesPerMonth > 0 ? { notebookMinutesPerMonth: total.minutesPerMonth } : {}),
    notebookMinutesPerRun: Math.ceil(runMinutes),
    payload: bodyBytes,
  }
}

/** The calendar month of a moment, by which minutes are counted. */
export function periodOf(now: Date): { currentPeriodStart: string; currentPeriodEnd: string } {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  return {
    currentPeriodStart: new Date(Date.UTC(year, month)).toISOString(),
    currentPeriodEnd: new Date(Date.UTC(year, month + 1)).toISOString(),
  }
}
