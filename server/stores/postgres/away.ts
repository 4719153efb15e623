/**
 * A database that is away for a moment: it starts anew, recovers from a crash, or the network is down. Work that must not
 * be lost waits for it here; everything else fails at once and is told so.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { unavailable } from '../../ground/errors.ts'
import type { Queryable } from './queryable.ts'

/** A crash leaves at most max_wal_size to replay, seconds on an ordinary disk; this is many times that. */
const PATIENCE_MS = 60_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1000

/**
 * PostgreSQL, appendix A: class 08 is the connection, 57P01 to 57P03 a server that stops, has crashed or is not ready,
 * 53300 one without a free connection. The others are what Node and pg say of a broken or refused connection.
 */
const AWAY_CODES = /^(?:08...|57P0[123]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/
const AWAY_MESSAGES =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|timeout expired)/

/** Whether an error says that the server was not there, or went away, rather than that it refused. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  if (AWAY_CODES.test(code) || AWAY_MESSAGES.test(error.message)) return true
  // A unix socket that has no server is missing.
  if (code === 'ENOENT' && 'syscall' in error && error.syscall === 'connect') return true
  return isAway(error.cause)
}

/** The error itself, or what a caller is to be told when it means that the database is away. */
export const awayAsUnavailable = (error: unknown) =>
  isAway(error) ? unavailable('The database cannot be reached at the moment; try again', error) : error

/**
 * Does the work, again and again while the database is away, and gives the first other result. The work may have been
 * done when its answer was lost, so it has to be such that doing it twice is no more than doing it once.
 */
export async function untilBack<T>(work: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work()
    } catch (error) {
      if (!isAway(error) || performance.now() > deadline) throw error
      await pause(pauseMs)
    }
  }
}

/** The same database for single statements that may be repeated: each waits until the server is back. */
export const patient = (db: Queryable): Queryable => ({
  query: (text, values) => untilBack(() => db.query(text, values)),
  one: (text, values) => untilBack(() => db.one(text, values)),
})
