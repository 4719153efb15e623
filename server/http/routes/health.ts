/** `GET /healthz`: 200 when everything a notebook needs is ready, 503 with the reason otherwise. */

import type { FastifyInstance } from 'fastify'
import { messageOf } from '../../ground/errors.ts'
import { NOT_FOR_OTHER_PAGES } from '../cors.ts'
import type { Parts } from '../parts.ts'

/** Registers the health route, open to everybody: it tells states, never settings or data. */
export function serveHealth(app: FastifyInstance, parts: Parts): void {
  app.get('/healthz', NOT_FOR_OTHER_PAGES, async (request, reply) => {
    try {
      const health = await parts.health()
      const ready = Object.values(health).every((part) => part.ready)
      return reply.code(ready ? 200 : 503).send({ ready, ...health })
    } catch (error) {
      request.log.warn({ error: messageOf(error) }, 'health not known')
      return reply.code(503).send({ ready: false })
    }
  })
}
