/**
 * Up to which seq nothing can come any more. A report gets its seq before it is committed, so that one with a smaller
 * seq may become visible after one with a greater.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Queryable } from '../postgres/database.ts'

/** Whoever writes reports holds this lock from before the seq is taken until it is committed or given up. */
const WRITERS = `from pg_locks where relation = 'hot_states'::regclass and mode = 'RowExclusiveLock' and granted
  and database = (select oid from pg_database where datname = current_database())`

/**
 * The last seq given out, once every transaction that may have taken one up to it is over. Writers are not held up.
 * undefined when one of them takes longer than `limitMs`.
 */
export async function settledSeq(db: Queryable, limitMs: number, signal: AbortSignal): Promise<number | undefined> {
  const toSeq = await lastSeq(db)
  // Looked for after the seq was read: who comes later takes a greater one.
  const [row] = await db.query<{ writers: string[] | null }>(
    `select array_agg(distinct virtualtransaction) as writers ${WRITERS}`,
  )
  const writers = row?.writers ?? []
  const deadline = performance.now() + limitMs
  for (;;) {
    signal.throwIfAborted()
    const left =
      writers.length === 0 ? [] : await db.query(`select ${WRITERS} and virtualtransaction = any ($1)`, [writers])
    if (left.length === 0) return toSeq
    if (performance.now() > deadline) return undefined
    await pause(5, undefined, { signal })
  }
}

/** The last seq given out, 0 before the first: a sequence that nobody has asked yet says 1. As SQL. */
export const LAST_SEQ = '(select case when is_called then last_value else 0 end from hot_states_seq_seq)'

export async function lastSeq(db: Queryable): Promise<number> {
  const row = await db.one<{ seq: number }>(`select ${LAST_SEQ} as seq`)
  return row?.seq ?? 0
}
