/** One attempt at a job, from its claim to what is written of it. Every ending is recorded; none escapes as an exception. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, invalid, messageOf } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Log } from '../ground/log.ts'
import { removeTree } from '../ground/remove-tree.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { isAway, untilBack } from '../stores/postgres/away.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { dropAttempt, dropEarlier, keepFiles } from './files.ts'
import { JOBS, type Queue } from './queue.ts'
import { endJob, hasEnded, type JobEnd, type JobRow, releaseJob, writeProgress } from './store.ts'
import type { JobResult, JobTools, JobWork, RunningJob } from './work.ts'

export interface AttemptParts {
  readonly db: Database
  readonly blobs: Blobs
  readonly queue: Queue
  readonly log: Log
  /** The work of each kind of job. */
  readonly work: Readonly<Record<string, JobWork>>
  /** The worker's own folder, which goes when the worker is gone. */
  readonly folder: string
  /** How long a job may take. */
  readonly limitMs: number
  /** Tells whoever wants to hear of a job's end, in the transaction that writes it. */
  readonly tell: (db: Queryable, ended: JobRow) => Promise<void>
}

/** Why an attempt has to stop without the job having ended. */
export class GivenBack extends Error {}

/** A job is given up when this many workers died with it. */
export const MAX_LOST = 3
/** What goes on after it was told to stop is left alone after this time; what it still writes changes nothing. */
const GRACE_MS = 5000
const PROGRESS_MS = 1000

/** Does the work of a claimed job and writes how it ended, or puts it back when `stop` is aborted with GivenBack. */
export async function runAttempt(job: RunningJob, parts: AttemptParts, stop: AbortSignal): Promise<void> {
  const { db, blobs, queue, log } = parts
  const folder = join(parts.folder, `job-${job.id}-${job.attempt}`)
  const fields = { jobId: job.id, kind: job.kind, attempt: job.attempt }
  log.info(fields, 'job started')
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await dropEarlier(blobs, job)
    const end = await endOf(job, parts, folder, stop)
    if (end) {
      await writeEnd(job, parts, end)
      log.info({ ...fields, status: end.status }, 'job ended')
      return
    }
    await untilBack(() => giveBack(db, queue, job, { isLoss: !stop.aborted }))
    await dropAttempt(blobs, job)
    log.info(fields, 'job given back')
  } finally {
    await removeTree(folder).catch((error: unknown) => log.warn({ ...fields, error: messageOf(error) }, 'not removed'))
  }
}

/** Puts a job back in the queue if it is still this attempt's. */
export const giveBack = (
  db: Database,
  queue: Queue,
  job: Pick<RunningJob, 'id' | 'attempt'>,
  how: { isLoss: boolean },
) =>
  db.transaction(async (tx) => {
    const won = await releaseJob(tx, job, how)
    if (won) await queue.put(tx, JOBS, job.id)
    return won
  })

/** How the attempt ended, its files kept; undefined when another one is to follow. */
async function endOf(
  job: RunningJob,
  parts: AttemptParts,
  folder: string,
  stop: AbortSignal,
): Promise<JobEnd | undefined> {
  const limit = AbortSignal.timeout(parts.limitMs)
  const signal = AbortSignal.any([stop, limit])
  try {
    const { files = [], output = {} } = await doWork(job, parts, folder, signal)
    return { status: 'completed', output, files: await keepFiles(parts.blobs, job, files) }
  } catch (error) {
    if (stop.aborted) return undefined
    if (limit.aborted) return timedOut(parts.limitMs)
    // A database that went away takes every statement with it; the job is no worse for it, up to a point.
    if (isAway(error) && job.lostAttempts + 1 < MAX_LOST) return undefined
    return { status: 'errored', error: tellable(error, job, parts.log) }
  }
}

const timedOut = (limitMs: number): JobEnd => ({
  status: 'errored',
  error: {
    name: 'JobTimeout',
    message: `The job took longer than ${limitMs / 1000} s, the limit of FIELDBOOK_JOB_TIME`,
  },
})

async function doWork(job: RunningJob, parts: AttemptParts, folder: string, signal: AbortSignal): Promise<JobResult> {
  const work = Object.hasOwn(parts.work, job.kind) ? parts.work[job.kind] : undefined
  if (!work) throw invalid(`This worker does not know jobs of the kind ${job.kind}`)
  return withGrace(work(job, toolsOf(job, parts, folder, signal)), signal, GRACE_MS)
}

/** What the work gives; or the signal's reason, some time after it was aborted, for work that does not heed it. */
async function withGrace<T>(working: Promise<T>, signal: AbortSignal, graceMs: number): Promise<T> {
  const { promise: gaveUp, reject } = Promise.withResolvers<never>()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => reject(signal.reason), graceMs)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([working, gaveUp])
  } finally {
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
}

function toolsOf(job: RunningJob, parts: AttemptParts, folder: string, signal: AbortSignal): JobTools {
  let toldAtMs = Number.NEGATIVE_INFINITY
  return {
    folder,
    signal,
    log: parts.log,
    progress: (completed, total) => {
      if (performance.now() - toldAtMs < PROGRESS_MS || signal.aborted) return
      toldAtMs = performance.now()
      // Only to be looked at: a database that is away must not end the work.
      writeProgress(parts.db, job, completed, total).catch(() => {})
    },
  }
}

/** What the owner of a job may read of an error: the message of ours, a reference for anything else. */
function tellable(error: unknown, job: RunningJob, log: Log): { name: string; message: string } {
  if (error instanceof AppError) return { name: NAMES[error.kind], message: error.message }
  const reference = newId()
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  log.error({ jobId: job.id, kind: job.kind, reference, error: stack }, 'job failed by our fault')
  return { name: 'Error', message: `Something went wrong on our side; its reference is ${reference}` }
}

const NAMES: Record<AppError['kind'], string> = {
  invalid: 'Validation',
  unauthenticated: 'Unauthorized',
  secondFactor: 'TwoFactorRequired',
  locked: 'AccountLocked',
  forbidden: 'Forbidden',
  notFound: 'NotFound',
  conflict: 'Conflict',
  unprocessable: 'Validation',
  gone: 'Gone',
  tooLarge: 'LimitExceeded',
  full: 'LimitExceeded',
  limited: 'LimitExceeded',
  version: 'VersionNotAllowed',
  unavailable: 'Unavailable',
}

/** One transaction: the status, and the deliveries it causes. What lost its claim meanwhile leaves nothing. */
async function writeEnd(job: RunningJob, parts: AttemptParts, end: JobEnd): Promise<void> {
  const write = async (tx: Queryable) => {
    const row = await endJob(tx, job, end)
    if (row) await parts.tell(tx, row)
    return row !== undefined || (await hasEnded(tx, job))
  }
  const won = await untilBack(() => parts.db.transaction(write, { repeatable: true }))
  if (!won) {
    parts.log.warn({ jobId: job.id, attempt: job.attempt }, 'job belonged to another attempt at its end')
    await dropAttempt(parts.blobs, job)
  }
}
