/**
 * HEAD of what GET answers with a stream: Fastify would read the stream to its end to answer without it, and some
 * have none for hours. The handler's headers stand; the stream is let go before anything of it is made.
 */

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'

/** To be called after what else changes answers on their way out. */
export function leaveOutForHead(app: FastifyInstance): void {
  app.addHook('onSend', (request, _reply, payload: unknown, done) => {
    if (request.method !== 'HEAD' || !(payload instanceof Readable)) return done(null, payload)
    payload.destroy()
    done(null, Readable.from([]))
  })
}
