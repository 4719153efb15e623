/** What a job is, and what the work of one kind of job is given and gives back. Rooms above bring the work. */

import type { JobQueued, JobRequesterType, JobResource } from '../../contract/job-logs.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'

export interface JobRequest {
  readonly applicationId: string
  /** Which work it is; a worker has a table of them. */
  readonly kind: string
  /** What the log calls it, for people. */
  readonly name: string
  readonly resourceType: JobResource
  /** The thing it is about; left out when that is the application as a whole. */
  readonly resourceId?: string
  readonly requester: { readonly type: JobRequesterType; readonly id: string }
  /** JSON. `email` and `callbackUrl` are told of the end; the rest is the kind's own. */
  readonly input: Readonly<Record<string, unknown>>
  /** Whether the user who asks is mailed when the input has no `email`: "defaults to current user's email". */
  readonly mailsUser?: boolean
  /** The address of the service that links start with; without it FIELDBOOK_PUBLIC_URL, or the one it listens on. */
  readonly baseUrl?: string
}

export interface Jobs {
  /**
   * Queues a job through `db`, a transaction or the pool: with a transaction that is rolled back it never was. Gives the
   * body of a 202 answer.
   */
  enqueue(db: Queryable, request: JobRequest): Promise<JobQueued>
}

/** A job as one attempt has it. */
export interface RunningJob extends Omit<JobRequest, 'baseUrl' | 'mailsUser'> {
  readonly id: string
  readonly baseUrl: string
  /** From 1; grows with every time the job is taken up. */
  readonly attempt: number
  /** Earlier attempts whose worker died. */
  readonly lostAttempts: number
}

export interface JobTools {
  /** Empty, of this attempt alone, and removed after it. */
  readonly folder: string
  /** Aborted when the worker closes or the job has taken too long; the work is to throw soon then. */
  readonly signal: AbortSignal
  /** Shown in the log, at most once a second; costs nothing to call often. */
  progress(completed: number, total: number): void
  readonly log: Log
}

/** A file in the folder of the job, under the name that people save it by. */
export interface MadeFile {
  readonly name: string
  readonly path: string
}

export interface JobResult {
  /** Kept as blobs, linked as `downloadUrls` in the log, in the mail and in the callback. */
  readonly files?: readonly MadeFile[]
  /** JSON that the log's output shows. */
  readonly output?: Readonly<Record<string, unknown>>
}

/**
 * The work of one kind. It may be done again from its beginning when a worker dies, so doing it twice has to be no more
 * than doing it once. An AppError's message is shown to whoever asked for the job.
 */
export type JobWork = (job: RunningJob, tools: JobTools) => Promise<JobResult>
