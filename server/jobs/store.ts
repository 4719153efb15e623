/**
 * The rows of job logs and every move of their status. A move is guarded by the attempt that makes it and says whether it
 * won: an attempt whose job was given to another one changes nothing.
 */

import type { JobRequesterType, JobResource, JobStatus } from '../../contract/job-logs.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { JobRequest, RunningJob } from './work.ts'

/** A file that a job made, as its row keeps it. */
export interface KeptFile {
  readonly name: string
  readonly key: string
  readonly sizeBytes: number
}

export interface JobRow {
  id: string
  application_id: string
  kind: string
  name: string
  resource_type: JobResource
  resource_id: string | null
  requested_by_type: JobRequesterType
  requested_by_id: string | null
  status: JobStatus
  input: Record<string, unknown>
  base_url: string
  progress: { completed: number; total: number; status?: string } | null
  error: { name: string; message: string } | null
  output: Record<string, unknown>
  files: KeptFile[]
  attempt: number
  lost_attempts: number
  worker_id: string | null
  claimed_at: Date | null
  queued_at: Date
  started_at: Date | null
  completed_at: Date | null
}

export async function insertJob(db: Queryable, id: string, request: JobRequest, baseUrl: string): Promise<void> {
  await db.query(
    `insert into job_logs (id, application_id, kind, name, resource_type, resource_id, requested_by_type, requested_by_id,
       input, base_url)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      id,
      request.applicationId,
      request.kind,
      request.name,
      request.resourceType,
      request.resourceId ?? null,
      request.requester.type,
      request.requester.id || null,
      JSON.stringify(request.input),
      request.baseUrl ?? baseUrl,
    ],
  )
}

/** Gives a waiting job to a worker; undefined when it does not wait any more, or was deleted with its application. */
export async function claimJob(db: Queryable, id: string, workerId: string): Promise<RunningJob | undefined> {
  const row = await db.one<JobRow>(
    `update job_logs set status = 'inProgress', worker_id = $2, attempt = attempt + 1, claimed_at = clock_timestamp(),
       started_at = coalesce(started_at, clock_timestamp())
     where id = $1 and status = 'queued' returning *`,
    [id, workerId],
  )
  return row && toRunning(row)
}

const toRunning = (row: JobRow): RunningJob => ({
  id: row.id,
  applicationId: row.application_id,
  kind: row.kind,
  name: row.name,
  resourceType: row.resource_type,
  ...(row.resource_id === null ? {} : { resourceId: row.resource_id }),
  requester: { type: row.requested_by_type, id: row.requested_by_id ?? '' },
  input: row.input,
  baseUrl: row.base_url,
  attempt: row.attempt,
  lostAttempts: row.lost_attempts,
})

/** Who holds a job: which attempt of it. */
export interface Attempt {
  readonly id: string
  readonly attempt: number
}

const HELD = `id = $1 and attempt = $2 and status = 'inProgress'`

/** Shows how far an attempt has got. */
export async function writeProgress(db: Queryable, job: Attempt, completed: number, total: number): Promise<void> {
  await db.query(
    `update job_logs set progress = jsonb_build_object('completed', $3::float8, 'total', $4::float8)
     where ${HELD}`,
    [job.id, job.attempt, completed, total],
  )
}

/** Puts a job back to those that wait, unharmed or counted as lost. Gives whether it was this attempt's to give back. */
export async function releaseJob(db: Queryable, job: Attempt, { isLoss }: { isLoss: boolean }): Promise<boolean> {
  const row = await db.one(
    `update job_logs set status = 'queued', worker_id = null, claimed_at = null, progress = null,
       lost_attempts = lost_attempts + $3 where ${HELD} returning id`,
    [job.id, job.attempt, isLoss ? 1 : 0],
  )
  return row !== undefined
}

export type JobEnd =
  | { readonly status: 'completed'; readonly output: object; readonly files: readonly KeptFile[] }
  | { readonly status: 'errored'; readonly error: { readonly name: string; readonly message: string } }

/** Writes the final status of an attempt and gives the row, or undefined when the job is not this attempt's any more. */
export async function endJob(tx: Queryable, job: Attempt, end: JobEnd): Promise<JobRow | undefined> {
  const done = end.status === 'completed'
  // What is told of the end needs the application's row. Who removes it takes that first, and then ours.
  await tx.query(
    'select from applications where id = (select application_id from job_logs where id = $1) for key share',
    [job.id],
  )
  return tx.one<JobRow>(
    `update job_logs set status = $3, output = $4, files = $5, error = $6, worker_id = null,
       completed_at = clock_timestamp() where ${HELD} returning *`,
    [
      job.id,
      job.attempt,
      end.status,
      JSON.stringify(done ? end.output : {}),
      JSON.stringify(done ? end.files : []),
      done ? null : JSON.stringify(end.error),
    ],
  )
}

/** Whether this very attempt has ended the job; asked when the answer of `endJob` was lost. */
export async function hasEnded(db: Queryable, { id, attempt }: Attempt): Promise<boolean> {
  const row = await db.one(
    `select id from job_logs where id = $1 and attempt = $2 and status in ('completed', 'errored', 'failed')`,
    [id, attempt],
  )
  return row !== undefined
}

/** A job that is held, as whoever looks for lost ones sees it. */
export interface HeldJob extends Attempt {
  readonly workerId: string
  readonly lostAttempts: number
  /** Held for longer than any job may take. */
  readonly isOverdue: boolean
}

/** Everything that workers hold. */
export function heldJobs(db: Queryable, longestMs: number): Promise<HeldJob[]> {
  return db.query<HeldJob>(
    `select id, attempt, worker_id as "workerId", lost_attempts as "lostAttempts",
       claimed_at < clock_timestamp() - $1 * interval '1 millisecond' as "isOverdue"
     from job_logs where status = 'inProgress'`,
    [longestMs],
  )
}
