/**
 * Changing the shape of a tree: moves and deletions take turns, and wait for those who are just putting something into
 * the directory concerned (see `directories.ts`). They are the ones who give way, so that no execution fails for a move.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { unavailable } from '../../ground/errors.ts'
import { isContended } from '../../stores/postgres/contention.ts'
import type { Database, Transaction } from '../../stores/postgres/database.ts'
import type { FileTree } from './rows.ts'

/** Shorter than the second after which PostgreSQL looks for a deadlock and ends either side. */
const LOCK_MS = 300
/** Without a session of the pool, which others need meanwhile. */
const PAUSE_MS = 200
const PATIENCE_MS = 20_000
/** A hundred thousand files take some seconds. */
const STATEMENT_MS = 600_000

/** Does the work in a transaction of its own, several times if others are in the way. @throws unavailable after 20 s of that */
export async function reshape<T>(
  db: Database,
  tree: FileTree,
  work: (tx: Transaction) => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await db.transaction(
        async (tx) => {
          await tx.query(`set local lock_timeout = ${LOCK_MS}`)
          await tx.query('select pg_advisory_xact_lock(hashtextextended($1, $2))', [
            `files ${tree.applicationId}`,
            Number(tree.private),
          ])
          return await work(tx)
        },
        { statementTimeoutMs: STATEMENT_MS },
      )
    } catch (error) {
      if (!isContended(error) && !isLateLock(error)) throw error
      if (performance.now() > deadline) {
        throw unavailable('Others are writing to this directory; try again when they are done', error)
      }
      await pause(PAUSE_MS)
    }
  }
}

/** PostgreSQL, appendix A: a lock that was waited for too long. */
const isLateLock = (error: unknown) => error instanceof Error && 'code' in error && error.code === '55P03'
