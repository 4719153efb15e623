/** A worker of jobs: takes them while it has free slots, and gives back what it has not finished when it closes. */

import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../ground/errors.ts'
import { type AttemptParts, GivenBack, giveBack, runAttempt } from './attempt.ts'
import { type Attendance, createLostSearch } from './lost.ts'
import { openPump } from './pump.ts'
import { JOBS } from './queue.ts'
import { type Attempt, claimJob } from './store.ts'
import type { RunningJob } from './work.ts'

export interface JobWorkerParts extends Omit<AttemptParts, 'folder'> {
  readonly attendance: Attendance
}

export interface JobWorkerOptions {
  /** Jobs at the same time. */
  readonly slots: number
}

export interface JobWorker extends AsyncDisposable {
  readonly running: number
  /** Takes nothing any more, and resolves when the jobs have ended or the time is up. */
  drain(limitMs: number): Promise<void>
}

const LOOK_MS = 500
/** Added to what a job may take: the time to keep its files, and to be stopped. */
const SLACK_MS = 3_600_000

/** Opens a worker; disposing it gives running jobs back, which another worker then takes up. */
export async function openJobWorker(parts: JobWorkerParts, { slots }: JobWorkerOptions): Promise<JobWorker> {
  const { db, queue, log, attendance } = parts
  const stop = new AbortController()
  const attempts = new Map<string, Promise<void>>()
  let isDraining = false
  const mayTake = () => !isDraining && attendance.isHeld && attempts.size < slots

  const start = (job: RunningJob) => {
    const attempt = runAttempt(job, { ...parts, folder: attendance.folder }, stop.signal)
      .catch((error: unknown) => log.error({ jobId: job.id, error: messageOf(error) }, 'attempt at a job not recorded'))
      .finally(() => {
        attempts.delete(keyOf(job))
        pump.wake()
      })
    attempts.set(keyOf(job), attempt)
  }
  const take = async (): Promise<boolean> => {
    if (!mayTake()) return false
    const taken = await db.transaction(async (tx) => {
      const [item] = await queue.take(tx, JOBS, 1)
      if (!item) return undefined
      await queue.drop(tx, item) // from here on the row says who has it
      return { job: await claimJob(tx, item.id, attendance.id) }
    })
    // The worker may have been told to close while the claim was under way.
    if (taken?.job && isDraining) await giveBack(db, queue, taken.job, { isLoss: false })
    else if (taken?.job) start(taken.job)
    return taken !== undefined
  }

  const pump = await openPump({ db, log, channel: JOBS, take })
  const search = createLostSearch({
    ...parts,
    longestMs: parts.limitMs + SLACK_MS,
    isRunning: (job) => attempts.has(keyOf(job)),
  })
  let looking: Promise<void> | undefined
  const timer = setInterval(() => {
    looking ??= search()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'lost jobs not looked for'))
      .finally(() => {
        looking = undefined
      })
  }, LOOK_MS)

  const drain = async (limitMs: number) => {
    isDraining = true
    await pump.settled()
    const early = new AbortController()
    await Promise.race([
      Promise.all(attempts.values()),
      pause(limitMs, undefined, { signal: early.signal }).catch(() => {}),
    ])
    early.abort()
  }
  return {
    get running() {
      return attempts.size
    },
    drain,
    async [Symbol.asyncDispose]() {
      isDraining = true
      clearInterval(timer)
      await pump[Symbol.asyncDispose]()
      stop.abort(new GivenBack('the worker is closing'))
      await Promise.all([...attempts.values(), looking])
    },
  }
}

/** A worker may be given a job again while it still works on it: its lock was lost for a while, and the job taken back. */
const keyOf = ({ id, attempt }: Attempt) => `${id}/${attempt}`
