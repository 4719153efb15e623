/**
 * Jobs of workers that are gone: put back in the queue, or given up when too many workers died with them. Every worker
 * looks; each job is taken back once, because the update that does it is guarded.
 */

import type { Log } from '../ground/log.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { giveBack, MAX_LOST } from './attempt.ts'
import type { Queue } from './queue.ts'
import { endJob, type HeldJob, heldJobs, type JobRow } from './store.ts'

/** How a worker is known to the others, and how it knows of them (executions/presence.ts). */
export interface Attendance {
  readonly id: string
  readonly folder: string
  /** Whether the others know that it lives; without that it takes nothing. */
  readonly isHeld: boolean
  /** Whether an absent lock means something now. */
  readonly canJudge: boolean
  /** Those of the ids whose workers are not there. */
  absent(ids: readonly string[]): Promise<string[]>
}

export interface LostParts {
  readonly db: Database
  readonly queue: Queue
  readonly log: Log
  readonly attendance: Attendance
  readonly tell: (db: Queryable, ended: JobRow) => Promise<void>
  /** Whether this worker really has the job: the answer to a claim may have been lost with its connection. */
  readonly isRunning: (job: HeldJob) => boolean
  /** Nothing holds a job for longer: its worker's host may be gone without the server noticing. */
  readonly longestMs: number
}

/** One look after the other; what was held by nobody at two looks in a row is lost. */
export function createLostSearch(parts: LostParts): () => Promise<void> {
  let before: ReadonlySet<string> = new Set()
  return async () => {
    const { db, attendance } = parts
    if (!attendance.canJudge) {
      before = new Set() // what was seen before is no proof any more
      return
    }
    const held = await heldJobs(db, parts.longestMs)
    const others = new Set(held.map(({ workerId }) => workerId).filter((id) => id !== attendance.id))
    const absent = new Set(others.size > 0 ? await attendance.absent([...others]) : [])
    const isAlone = (job: HeldJob) =>
      job.workerId === attendance.id ? !parts.isRunning(job) : absent.has(job.workerId) || job.isOverdue
    const alone = held.filter(isAlone)
    for (const job of alone) if (before.has(keyOf(job))) await takeBack(parts, job)
    before = new Set(alone.map(keyOf))
  }
}

const keyOf = ({ id, attempt }: HeldJob) => `${id}/${attempt}`

async function takeBack({ db, queue, log, tell }: LostParts, job: HeldJob): Promise<void> {
  const fields = { jobId: job.id, attempt: job.attempt, workerId: job.workerId }
  if (job.lostAttempts + 1 < MAX_LOST) {
    if (await giveBack(db, queue, job, { isLoss: true })) log.warn(fields, 'job of a lost worker taken back')
    return
  }
  const message = `The job was started ${MAX_LOST} times, and each time its worker was lost`
  const end = async (tx: Queryable) => {
    const row = await endJob(tx, job, { status: 'errored', error: { name: 'WorkerLost', message } })
    if (row) await tell(tx, row)
    return row !== undefined
  }
  const won = await db.transaction(end, { repeatable: true })
  if (won) log.warn(fields, 'job given up')
}
