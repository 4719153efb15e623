/**
 * A worker's sign of life: an advisory lock that it holds on a database session of its own. The server frees it when the
 * worker's process dies, which other workers see within a second, where a lease would take fifteen. What the worker keeps
 * on disk is in a folder named by it, which the others remove when they see that it is gone.
 */

import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { removeTree } from '../ground/remove-tree.ts'
import type { Attendance } from '../jobs/lost.ts'
import type { Database, Queryable, Session } from '../stores/postgres/database.ts'

export interface Presence extends AsyncDisposable {
  /** The worker's id, ten letters: it is part of the paths of sockets, which may have 107 bytes. */
  readonly id: string
  /** `<root>/<id>`: everything that is only of use while the worker lives. Gone when this is closed. */
  readonly folder: string
  /** Holds the folders of all workers that share a disk, and nothing else. */
  readonly root: string
  /** Whether the lock is held now. */
  readonly isHeld: boolean
  /**
   * Whether absent locks mean something. What took this worker's session may have taken the others' as well (a database
   * that started anew), and they get a while to come back.
   */
  readonly canJudge: boolean
  /** Calls back whenever the lock is held again after its session was lost. */
  onReturn(callback: () => void): void
}

export interface PresenceOptions {
  readonly root: string
  readonly log: (event: string, fields: Record<string, unknown>) => void
}

/** Marks our locks among the advisory locks of a database. */
const LOCK_CLASS = 1_179_796_043
/** Living workers are back within a second after the database; a busy machine is given more. */
const SETTLE_MS = 5000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/** Gives a worker its id, takes its lock and makes its folder. @throws unavailable when the database can't be reached */
export async function openPresence(db: Database, options: PresenceOptions): Promise<Presence> {
  const id = randomBytes(5).toString('hex')
  const folder = join(options.root, id)
  const closed = new AbortController()
  let onReturn = () => {}
  let session: Session | undefined = await takeLock(db, id)
  let heldSinceMs = (await isLongUp(session)) ? Number.NEGATIVE_INFINITY : performance.now()

  const keep = async () => {
    while (session) {
      await ended(session.lost, closed.signal)
      if (closed.signal.aborted) return
      session = undefined
      options.log('presence lost', { workerId: id })
      session = await retake(db, id, closed.signal)
      if (!session) return
      heldSinceMs = performance.now()
      options.log('presence taken again', { workerId: id })
      onReturn()
    }
  }
  // Closed to other users of the machine; sandboxes get at the folders inside by mounts, not by this path. Made under the
  // lock: a folder whose worker is absent may be removed.
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const keeping = keep()
  return {
    id,
    folder,
    root: options.root,
    onReturn: (callback) => {
      onReturn = callback
    },
    get isHeld() {
      return session !== undefined && !session.lost.aborted
    },
    get canJudge() {
      return session !== undefined && !session.lost.aborted && performance.now() - heldSinceMs >= SETTLE_MS
    },
    async [Symbol.asyncDispose]() {
      await removeTree(folder).catch(() => {}) // what can't be removed now, another worker removes
      closed.abort()
      await keeping
      await session?.[Symbol.asyncDispose]()
    },
  }
}

/** SQL that is true when the worker whose id is in `column` holds its lock. */
export const isPresent = (column: string) =>
  `exists (
     select from pg_locks where locktype = 'advisory' and granted and objsubid = 2 and classid = ${LOCK_CLASS}
       and objid::bigint = hashtext(${column})::bigint & 4294967295
       and database = (select oid from pg_database where datname = current_database())
   )`

/** Those of the ids whose workers are not there. */
export async function absentWorkers(db: Queryable, ids: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from unnest($1::text[]) as asked (id) where not ${isPresent('asked.id')}`,
    [ids],
  )
  return rows.map(({ id }) => id)
}

/** A worker's sign of life as its jobs use it. */
export const attendanceOf = (presence: Presence, db: Database): Attendance => ({
  id: presence.id,
  folder: presence.folder,
  get isHeld() {
    return presence.isHeld
  },
  get canJudge() {
    return presence.canJudge
  },
  absent: (ids) => absentWorkers(db, ids),
})

/** Shared, so that a worker gets it again while the server has not yet noticed that the former session is gone. */
async function takeLock(db: Database, id: string): Promise<Session> {
  const session = await db.connect()
  try {
    await session.query('select pg_advisory_lock_shared($1, hashtext($2))', [LOCK_CLASS, id])
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

async function retake(db: Database, id: string, closed: AbortSignal): Promise<Session | undefined> {
  for (let pauseMs = FIRST_PAUSE_MS; !closed.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await takeLock(db, id)
    } catch {
      // The database is still away, which whoever needs it tells; this goes on until it is back.
      await pause(pauseMs, undefined, { signal: closed }).catch(() => {})
    }
  }
  return undefined
}

/** A server that has been up for long has lost no sessions of late. */
async function isLongUp(session: Queryable): Promise<boolean> {
  const row = await session.one<{ up: boolean }>(
    `select now() - pg_postmaster_start_time() > $1 * interval '1 millisecond' as up`,
    [SETTLE_MS],
  )
  return row?.up === true
}

/** Resolves when one of the signals is aborted. */
function ended(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals])
  if (any.aborted) return Promise.resolve()
  return new Promise((resolve) => any.addEventListener('abort', () => resolve(), { once: true }))
}
