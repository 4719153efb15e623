/**
 * A standing LISTEN. It comes back by itself after the server went away; what was sent meanwhile is lost, so whoever
 * listens also looks by itself from time to time (a notification wakes, it never carries the only copy of anything).
 */

import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { messageOf } from '../../ground/errors.ts'
import { connectClient } from './session.ts'

export interface ListenOptions {
  /** Called when the session is lost: from now on, until `onReconnect`, notifications are missed. */
  readonly onLost?: () => void
  /** Called after a gap, in which notifications may have been missed. */
  readonly onReconnect?: () => void
  readonly log?: (event: string, fields: Record<string, unknown>) => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

/** Resolves once listening; a first connection that fails is an error, later ones are tried again until disposed. */
export async function listenOn(
  config: pg.ClientConfig,
  channel: string,
  onNotify: (payload: string) => void,
  { onLost, onReconnect, log = () => {} }: ListenOptions = {},
): Promise<AsyncDisposable> {
  const stopped = new AbortController()
  const open = async () => {
    const client = await connectClient(config)
    client.on('notification', ({ payload }) => onNotify(payload ?? ''))
    await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    return client
  }
  const keeping = keepListening(
    await open(),
    async () => {
      onLost?.()
      const client = await reopen(open, stopped.signal, (error) => log('database listener waits', { channel, error }))
      if (client) onReconnect?.()
      return client
    },
    stopped.signal,
  )
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await keeping
    },
  }
}

async function keepListening(
  first: pg.Client,
  next: () => Promise<pg.Client | undefined>,
  stopped: AbortSignal,
): Promise<void> {
  for (let client: pg.Client | undefined = first; client; client = await next()) {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    client.once('end', resolve)
    stopped.addEventListener('abort', () => resolve(), { once: true })
    if (!stopped.aborted) await ended
    if (stopped.aborted) return client.end()
  }
}

/** A fresh client, or undefined when nobody listens any more. Pauses double from 0.1 s to 5 s. */
async function reopen(
  open: () => Promise<pg.Client>,
  stopped: AbortSignal,
  onFailure: (error: string) => void,
): Promise<pg.Client | undefined> {
  for (let pauseMs = FIRST_PAUSE_MS; !stopped.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    await pause(pauseMs, undefined, { signal: stopped }).catch(() => {})
    if (stopped.aborted) return undefined
    try {
      return await open()
    } catch (error) {
      onFailure(messageOf(error))
    }
  }
  return undefined
}
