/** Job logs as the API shows them. */

import type { JobLog } from '../../contract/job-logs.ts'
import { limited, notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type LinkFile, linksOf } from './files.ts'
import type { JobRow } from './store.ts'
import { jobIdOf } from './ticket.ts'
import type { JobRequest } from './work.ts'

/** A row as it is answered; links start with `baseUrl`. */
export function toJobLog(row: JobRow, baseUrl: string, linkFile: LinkFile): JobLog {
  const { email, query, ...input } = row.input
  const downloadUrls = linksOf(row, baseUrl, linkFile)
  return {
    id: row.id,
    jobId: row.id,
    jobExecutionId: row.id,
    name: row.name,
    applicationId: row.application_id,
    runQueuedAt: row.queued_at.toISOString(),
    ...(row.started_at === null ? {} : { runStartedAt: row.started_at.toISOString() }),
    ...(row.completed_at === null ? {} : { runCompletedAt: row.completed_at.toISOString() }),
    status: row.status,
    requestedByType: row.requested_by_type,
    ...(row.requested_by_id === null ? {} : { requestedById: row.requested_by_id }),
    ownerType: 'application',
    ownerId: row.application_id,
    resourceType: row.resource_type,
    ...(row.resource_id === null ? {} : { resourceId: row.resource_id }),
    ...(row.progress === null ? {} : { progress: row.progress }),
    ...(row.error === null ? {} : { error: row.error }),
    input: {
      ...input,
      // As the published log has it: JSON text.
      ...(query === undefined ? {} : { query: typeof query === 'string' ? query : JSON.stringify(query) }),
      ...(typeof email === 'string' ? { emails: [email] } : {}),
    },
    output: { ...row.output, ...(downloadUrls.length > 0 ? { downloadUrls } : {}) },
  }
}

/** One job of an application, by its id or its ticket. @throws notFound, for a foreign one as well */
export async function getJob(db: Queryable, applicationId: string, idOrTicket: string): Promise<JobRow> {
  const id = jobIdOf(idOrTicket)
  const row = id
    ? await db.one<JobRow>('select * from job_logs where id = $1 and application_id = $2', [id, applicationId])
    : undefined
  if (!row) throw notFound('Application job log')
  return row
}

/** A job of this kind about this thing that has not ended, whose input has all of this; so that nobody asks for it twice. */
export async function unfinishedJob(
  db: Queryable,
  { applicationId, kind, resourceId, input }: Pick<JobRequest, 'applicationId' | 'kind' | 'resourceId' | 'input'>,
): Promise<string | undefined> {
  const row = await db.one<{ id: string }>(
    `select id from job_logs where application_id = $1 and kind = $2 and resource_id is not distinct from $3
       and status in ('queued', 'inProgress') and input @> $4 order by queued_at limit 1`,
    [applicationId, kind, resourceId ?? null, JSON.stringify(input)],
  )
  return row?.id
}

/** How a job has ended, undefined while it has not. @throws notFound when it was deleted with what it was about */
export async function jobEnd(db: Queryable, id: string): Promise<Pick<JobRow, 'error'> | undefined> {
  const row = await db.one<Pick<JobRow, 'status' | 'error'>>('select status, error from job_logs where id = $1', [id])
  if (!row) throw notFound('Application job log')
  return row.status === 'queued' || row.status === 'inProgress' ? undefined : row
}

/** How many jobs of this kind an application has that have not ended. */
export async function countUnfinished(
  db: Queryable,
  { applicationId, kind }: Pick<JobRequest, 'applicationId' | 'kind'>,
): Promise<number> {
  const row = await db.one<{ count: number }>(
    `select count(*)::int as count from job_logs
     where application_id = $1 and kind = $2 and status in ('queued', 'inProgress')`,
    [applicationId, kind],
  )
  return row?.count ?? 0
}

/** Why the latest job of this kind about this thing, with an input that has all of this, failed; undefined if it is older, or did not. */
export async function recentFailure(
  db: Queryable,
  { applicationId, kind, resourceId, input }: Pick<JobRequest, 'applicationId' | 'kind' | 'resourceId' | 'input'>,
  withinMs: number,
): Promise<{ readonly error: NonNullable<JobRow['error']>; readonly ageMs: number } | undefined> {
  const row = await db.one<Pick<JobRow, 'error'> & { ageMs: number }>(
    `select error, extract(epoch from clock_timestamp() - completed_at)::float8 * 1000 as "ageMs" from job_logs
     where application_id = $1 and kind = $2 and resource_id is not distinct from $3 and input @> $4
       and completed_at is not null order by queued_at desc limit 1`,
    [applicationId, kind, resourceId ?? null, JSON.stringify(input)],
  )
  return row?.error && row.ageMs < withinMs ? { error: row.error, ageMs: row.ageMs } : undefined
}

/**
 * Lets a job be asked for only so often; one that failed does not count. The caller has locked the thing it is about, so
 * that of two requests at once the second one sees the first. `what` begins the message.
 * @throws limited when there was one of its kind about the same thing less than `intervalMs` ago
 */
export async function requireInterval(
  db: Queryable,
  { applicationId, kind, resourceId }: Required<Pick<JobRequest, 'applicationId' | 'kind' | 'resourceId'>>,
  intervalMs: number,
  what: string,
): Promise<void> {
  const latest = await db.one<{ ageMs: number }>(
    `select extract(epoch from clock_timestamp() - queued_at)::float8 * 1000 as "ageMs" from job_logs
     where application_id = $1 and kind = $2 and resource_id = $3 and status not in ('errored', 'failed')
     order by queued_at desc limit 1`,
    [applicationId, kind, resourceId],
  )
  const waitSeconds = Math.ceil((latest ? intervalMs - latest.ageMs : 0) / 1000)
  if (waitSeconds <= 0) return
  const every = `once in ${intervalMs / 60_000} minutes`
  const resetsAt = new Date(Date.now() + waitSeconds * 1000)
  throw limited(
    `${what} can be exported ${every}; try again in ${waitSeconds} seconds`,
    { name: kind, of: 'resource', allowed: 1, used: 1, resetsAt },
    waitSeconds,
  )
}
