/** The bodies that requests may have: JSON, and forms where a route takes a file. Anything else is refused with 415. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { messageOf } from '../ground/errors.ts'
import { parseJson } from '../ground/json.ts'
import { noteBodySize } from './body-size.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What messages call the body of a route. */
    bodyName?: string | undefined
  }
}

/** Takes JSON in bounds (ground/json.ts) and no other text. Official clients send the type without a body, on DELETE for example. */
export function acceptJson(app: FastifyInstance): void {
  app.removeContentTypeParser(['text/plain', 'application/json'])
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body)
    noteBodySize(request, bytes.byteLength)
    try {
      done(null, bytes.byteLength === 0 ? undefined : parseJson(bytes, nameOf(request)))
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)))
    }
  })
}

const nameOf = ({ routeOptions }: FastifyRequest) => routeOptions.config.bodyName ?? 'The body'
