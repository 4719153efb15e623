/**
 * A single session, with COPY as streams. A session in the middle of a COPY answers nothing else, so a reader who stops
 * early must not leave it waiting for ever.
 */

import type { Readable, Writable } from 'node:stream'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'
import { type Literal, withLiterals } from './literals.ts'
import { createQueryable, type Queryable } from './queryable.ts'

export interface Streaming extends Queryable {
  /** `copy … from stdin`: the rows are in when the stream has finished; destroying the stream takes none of them. */
  copyFrom(statement: string): Writable
  /**
   * `copy … to stdout`, as bytes; `values` are for `$1…` in it. Destroying the stream before its end costs the session:
   * nothing can follow on it.
   */
  copyTo(statement: string, values?: readonly Literal[]): Readable
}

/** The methods of one session. `mayAsk` throws when the session is no longer this user's. */
export function createStreaming(client: pg.Client, mayAsk: (text: string) => void = () => {}): Streaming {
  const guarded = <Answer>(text: string, ask: () => Answer): Answer => {
    mayAsk(text)
    return ask()
  }
  return {
    ...createQueryable((statement) => guarded(statement.text, () => client.query(statement))),
    copyFrom: (statement) => guarded(statement, () => client.query(from(statement))),
    copyTo: (statement, values = []) => guarded(statement, () => copyTo(client, withLiterals(statement, values))),
  }
}

/**
 * pg-copy-streams 7 leaves a destroyed reader attached: the server blocks on a full socket, and every later statement of
 * the session, the rollback too, waits behind it. Hanging up frees both sides at once, and no byte is read for nothing.
 */
function copyTo(client: pg.Client, statement: string): Readable {
  const stream = client.query(to(statement))
  let isOver = false
  stream.once('end', () => {
    isOver = true
  })
  stream.on('error', (error) => {
    if (error instanceof pg.DatabaseError) isOver = true // the server's own answer: the session goes on
    stream.destroy(error)
  })
  stream.once('close', () => {
    if (!isOver) client.connection.stream.destroy()
  })
  return stream
}
