/**
 * Once a day: what is older than it may be is deleted, a chore after the other. Any worker may do it, and doing it twice
 * changes nothing.
 */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { before, type Chore, type Pass, type Swept, sum } from '../ground/sweep.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { collectOrphans } from '../stores/blobs/orphans.ts'
import type { Database } from '../stores/postgres/database.ts'
import { dropJob } from './files.ts'
import { openPump } from './pump.ts'
import { type Queue, TIDYING } from './queue.ts'
import type { JobRow } from './store.ts'

export interface TidyParts {
  readonly db: Database
  readonly queue: Queue
  readonly log: Log
  readonly chores: Chores
}

/** What there is to do once a day, by the name it is told under. */
export type Chores = Readonly<Record<string, Chore>>

const DAY_SECONDS = 86_400
/** Asked for this often by every worker; the queue lets one a day through. */
const ASK_MS = 3_600_000
const BATCH = 500

/** Asks for the daily pass and does it when it is its turn. */
export async function openTidying({ db, queue, log, chores }: TidyParts): Promise<AsyncDisposable> {
  const closing = new AbortController()
  const ask = () =>
    queue
      .put(db, TIDYING, 'daily', { everySeconds: DAY_SECONDS })
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'tidying not asked for'))
  const take = async () => {
    const [item] = await queue.take(db, TIDYING, 1)
    if (!item) return false
    await tidy(chores, { now: new Date(), signal: closing.signal, isDryRun: false }, log)
    closing.signal.throwIfAborted()
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

export type Tidied = { readonly name: string } & (Swept | { readonly problem: string })

/** Does every chore, or says what each would do; one that fails keeps none of the others from being done. */
export async function tidy(chores: Chores, pass: Pass, log: Log): Promise<Tidied[]> {
  const done: Tidied[] = []
  for (const [name, chore] of Object.entries(chores)) {
    if (pass.signal.aborted) break
    try {
      const swept = await chore(pass)
      if (swept.count > 0 && !pass.isDryRun) log.info({ chore: name, ...swept }, 'tidied')
      done.push({ name, ...swept })
    } catch (error) {
      if (pass.signal.aborted) break
      log.warn({ chore: name, error: messageOf(error) }, 'chore broken off')
      done.push({ name, problem: messageOf(error) })
    }
  }
  return done
}

/** What this room has to do once a day: files go after `filesMs`, when their links end, logs and deliveries after `logsMs`. */
export const jobChores = (
  { db, blobs }: { readonly db: Database; readonly blobs: Blobs },
  { filesMs, logsMs }: { readonly filesMs: number; readonly logsMs: number },
): Chores => ({
  jobFiles: (pass) => dropFiles(db, blobs, pass, filesMs),
  jobLogs: (pass) => deleteRows(db, pass, 'job_logs where completed_at < $1', logsMs),
  deliveries: (pass) => deleteRows(db, pass, 'deliveries where ended_at < $1', logsMs),
  orphanedJobFiles: (pass) => collectJobOrphans(db, blobs, pass),
})

/**
 * The row first, which links are made from; a crash after it leaves blobs that nothing refers to, and those are collected
 * with the orphans.
 */
async function dropFiles(db: Database, blobs: Blobs, pass: Pass, ageMs: number): Promise<Swept> {
  const old = `from job_logs where completed_at < $1 and files <> '[]'`
  const values = [before(pass, ageMs)]
  if (pass.isDryRun) return counted(await db.query<Pick<JobRow, 'files'>>(`select files ${old}`, values))
  const dropped: Swept[] = []
  for (;;) {
    pass.signal.throwIfAborted()
    const rows = await db.query<Pick<JobRow, 'id' | 'application_id' | 'files'>>(
      `with old as (select id, files ${old} order by completed_at limit ${BATCH} for update skip locked)
       update job_logs set files = '[]' from old where job_logs.id = old.id
       returning job_logs.id, application_id, old.files`,
      values,
    )
    for (const row of rows) await dropJob(blobs, row)
    dropped.push(counted(rows))
    if (rows.length < BATCH) return sum(dropped)
  }
}

const counted = (rows: readonly Pick<JobRow, 'files'>[]): Swept => ({
  count: rows.length,
  bytes: rows.flatMap(({ files }) => files).reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
})

async function deleteRows(db: Database, pass: Pass, from: string, ageMs: number): Promise<Swept> {
  const values = [before(pass, ageMs)]
  const sql = pass.isDryRun ? `select id from ${from}` : `delete from ${from} returning id`
  const row = await db.one<{ count: number }>(`with gone as (${sql}) select count(*)::int as count from gone`, values)
  return { count: row?.count ?? 0, bytes: 0 }
}

/** Files of attempts that were lost, and of jobs that are gone; those of a job that still runs are kept, whatever they are. */
const collectJobOrphans = (db: Database, blobs: Blobs, pass: Pass): Promise<Swept> =>
  collectOrphans(blobs, 'jobs', pass, async (keys) => {
    const ids = keys.map((key) => key.split('/')[2] ?? '')
    const rows = await db.query<Pick<JobRow, 'id' | 'files' | 'status'>>(
      'select id, files, status from job_logs where id = any ($1)',
      [[...new Set(ids)]],
    )
    const jobs = new Map(rows.map((row) => [row.id, row]))
    const isKnown = (key: string, index: number) => {
      const job = jobs.get(ids[index] ?? '')
      if (!job) return false
      return job.status === 'queued' || job.status === 'inProgress' || job.files.some((file) => file.key === key)
    }
    return new Set(keys.filter(isKnown))
  })
