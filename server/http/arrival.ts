/**
 * How long a request may take to arrive: a few minutes for ordinary ones; uploads of files may take hours, but must not
 * pause. Without this a connection that never ends its request would be held for ever.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify'

export interface ArrivalLimits {
  /** Of the first byte and the headers, from when the connection is there. */
  readonly headersMs: number
  /** Of a whole request. */
  readonly requestMs: number
  /** Of an upload: without a byte in either direction. */
  readonly pauseMs: number
}

/** Cuts the connection of a request that is late. Headers have Node's own limit, which answers 408 (app.ts). */
export function limitArrival(
  app: FastifyInstance,
  { requestMs, pauseMs }: ArrivalLimits,
  isUpload: (request: FastifyRequest) => boolean,
): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (hasBody(request)) limitBody(request)
    done()
  })
  const limitBody = (request: FastifyRequest): void => {
    const { raw } = request
    if (isUpload(request)) {
      // Node destroys a connection that was idle for so long. Once all is there, writing it out may take its time.
      raw.socket.setTimeout(pauseMs)
      raw.once('end', () => raw.socket.setTimeout(0))
      return
    }
    const timer = setTimeout(() => raw.destroy(), requestMs).unref()
    for (const event of ['end', 'close']) raw.once(event, () => clearTimeout(timer))
  }
}

const hasBody = ({ headers }: FastifyRequest) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
