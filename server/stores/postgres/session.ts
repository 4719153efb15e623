/** A dedicated database session: it belongs to one user of it, keeps session state (locks, settings), and has no time limit. */

import pg from 'pg'
import { unavailable } from '../../ground/errors.ts'
import { createStreaming, type Streaming } from './streaming.ts'

export interface Session extends Streaming, AsyncDisposable {
  /** Aborts when the session is over, be it that server or network took it away; the locks it held are gone then. */
  readonly lost: AbortSignal
}

/** Connects; the session is the caller's until disposed. */
export async function openSession(config: pg.ClientConfig): Promise<Session> {
  const client = await connectClient(config)
  const lost = new AbortController()
  client.on('end', () => lost.abort(unavailable('The database session is over')))
  return {
    ...createStreaming(client),
    lost: lost.signal,
    [Symbol.asyncDispose]: () => client.end(),
  }
}

/** A connected client whose loss is not an uncaught exception: the queries under way fail, and it emits `end`. */
export async function connectClient(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config)
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (cause) {
    throw unavailable('The database cannot be reached at the moment; try again', cause)
  }
}
