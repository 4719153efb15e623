/** One transaction on one session of the pool. It must never hand the session back while work on it could still arrive. */

import type pg from 'pg'
import { createStreaming, type Streaming } from './streaming.ts'

export type Transaction = Streaming

export interface TransactionOptions {
  /** repeatable read: every statement sees the same moment. */
  readonly isolation?: 'repeatable read'
  readonly readOnly?: boolean
  /** For every statement inside, instead of the pool's limit; 0 lifts it. */
  readonly statementTimeoutMs?: number
  /** `work` has no effect but on the transaction, so it is done again when the database ended it for others' sake. */
  readonly repeatable?: boolean
}

/** Runs `work` between begin and commit and gives the session back; the error of `work` is the one that is thrown. */
export async function inTransaction<T>(
  client: pg.PoolClient,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  let isOpen = true
  const tx = createStreaming(client, (text) => {
    if (!isOpen) throw new Error(`A statement came after the end of its transaction: ${text}`)
  })
  let broken: Error | undefined
  try {
    await client.query(beginStatement(options))
    const result = await work(tx)
    isOpen = false
    // A transaction in which a statement failed answers COMMIT with ROLLBACK, without an error.
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new Error('The transaction was rolled back: a statement in it had failed')
    return result
  } catch (error) {
    isOpen = false
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    throw error
  } finally {
    client.release(broken)
  }
}

function beginStatement({ isolation, readOnly, statementTimeoutMs }: TransactionOptions): string {
  const begin = ['begin', isolation && `isolation level ${isolation}`, readOnly && 'read only']
    .filter(Boolean)
    .join(' ')
  if (statementTimeoutMs === undefined) return begin
  return `${begin}; set local statement_timeout = ${Math.trunc(statementTimeoutMs)}`
}
