/**
 * Once a day: what jobs made is deleted when its links have ended, and old logs and deliveries are. Any worker may do it,
 * and doing it twice changes nothing.
 */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database } from '../stores/postgres/database.ts'
import { dropJob } from './files.ts'
import { openPump } from './pump.ts'
import { type Queue, TIDYING } from './queue.ts'
import type { JobRow } from './store.ts'

export interface TidyParts {
  readonly db: Database
  readonly blobs: Blobs
  readonly queue: Queue
  readonly log: Log
  /** How long files are linked. */
  readonly filesMs: number
  /** How long logs and deliveries are kept after their end. */
  readonly logsMs: number
  /** What other rooms have to do once a day, by the name it is logged under. */
  readonly chores: Readonly<Record<string, Chore>>
}

/** Gives how much there was to do; broken off, it is done again the next day. */
export type Chore = (now: Date, signal: AbortSignal) => Promise<number>

const DAY_SECONDS = 86_400
/** Asked for this often by every worker; the queue lets one a day through. */
const ASK_MS = 3_600_000
const BATCH = 500

/** Asks for the daily pass and does it when it is its turn. */
export async function openTidying(parts: TidyParts): Promise<AsyncDisposable> {
  const { db, queue, log } = parts
  const closing = new AbortController()
  const ask = () =>
    queue
      .put(db, TIDYING, 'daily', { everySeconds: DAY_SECONDS })
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'tidying not asked for'))
  const take = async () => {
    const [item] = await queue.take(db, TIDYING, 1)
    if (!item) return false
    log.info(await tidy(parts, new Date()), 'tidied')
    for (const [name, chore] of Object.entries(parts.chores)) await doChore(log, name, chore, closing.signal)
    await queue.drop(db, item)
    return true
  }
  const pump = await openPump({ db, log, channel: TIDYING, take, pollMs: ASK_MS })
  const timer = setInterval(ask, ASK_MS)
  await ask()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      closing.abort()
      await pump[Symbol.asyncDispose]()
    },
  }
}

/** One that fails keeps none of the others from being done. */
async function doChore(log: Log, name: string, chore: Chore, signal: AbortSignal): Promise<void> {
  try {
    const count = await chore(new Date(), signal)
    if (count > 0) log.info({ chore: name, count }, 'chore done')
  } catch (error) {
    if (!signal.aborted) log.warn({ chore: name, error: messageOf(error) }, 'chore broken off')
  }
}

/** Deletes what is older than it may be at `now`, and says how much that was. */
export async function tidy(
  { db, blobs, filesMs, logsMs }: Pick<TidyParts, 'db' | 'blobs' | 'filesMs' | 'logsMs'>,
  now: Date,
): Promise<{ jobsWithoutFiles: number; logs: number; deliveries: number }> {
  const before = (ageMs: number) => new Date(now.getTime() - ageMs)
  const jobsWithoutFiles = await dropFiles(db, blobs, before(filesMs))
  const logs = await db.query('delete from job_logs where completed_at < $1 returning id', [before(logsMs)])
  const deliveries = await db.query('delete from deliveries where ended_at < $1 returning id', [before(logsMs)])
  return { jobsWithoutFiles, logs: logs.length, deliveries: deliveries.length }
}

/** Blobs first: a crash in between leaves a row that is found again, not a blob that nobody knows. */
async function dropFiles(db: Database, blobs: Blobs, before: Date): Promise<number> {
  let count = 0
  for (;;) {
    const rows = await db.query<Pick<JobRow, 'id' | 'application_id'>>(
      `select id, application_id from job_logs where completed_at < $1 and files <> '[]' order by completed_at limit $2`,
      [before, BATCH],
    )
    if (rows.length === 0) return count
    for (const row of rows) await dropJob(blobs, row)
    await db.query(`update job_logs set files = '[]' where id = any($1)`, [rows.map(({ id }) => id)])
    count += rows.length
  }
}
