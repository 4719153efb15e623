/** The door's way in and out: listening, and closing so that neither a request nor the service is held up. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'

export interface Place {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

export interface OpenDoor extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string
}

/** Requests under way may end within this time; then their connections are cut. */
const LAST_REQUESTS_MS = 10_000

/** Listens until disposed; what was asked before that is answered. */
export async function openDoor(app: FastifyInstance, place: Place): Promise<OpenDoor> {
  await app.listen({ host: place.host, port: place.port })
  return { url: addressOf(app.server.address()), [Symbol.asyncDispose]: () => closeDoor(app) }
}

/** Fails at once when the port is taken, before a database is made for nothing. */
export async function requireFreePort({ host, port }: Place): Promise<void> {
  if (port === 0) return
  const probe = createServer().listen(port, host)
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}

/**
 * A connection whose request was under way is kept alive by its client when the answer is out, and would hold the
 * service back until it times out; so idle ones are let go again and again.
 */
async function closeDoor(app: FastifyInstance): Promise<void> {
  const startedAt = performance.now()
  const sweep = setInterval(() => {
    if (performance.now() - startedAt < LAST_REQUESTS_MS) app.server.closeIdleConnections()
    else app.server.closeAllConnections()
  }, 50)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
  }
}

function addressOf(address: string | { address: string; port: number; family: string } | null): string {
  if (address === null || typeof address === 'string') throw new Error('the service is not listening on a port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
