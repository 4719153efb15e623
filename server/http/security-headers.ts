/**
 * What every answer tells a browser, errors included. An answer of the API is data: no page, nothing to load, nobody's frame,
 * and no other site may embed it (a page of any origin may still read it by CORS, which this does not touch). Files and pages
 * replace what they must. Beside them is the id that the audit log has of the request.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export type Headers = Readonly<Record<string, string>>

/** A year, for the name itself: what else is under it is not ours to say (RFC 6797 §6.1). */
const HTTPS_ONLY = 'max-age=31536000'

/** The headers; those that are reached by https say so, for from then on. */
export const securityHeaders = (publicUrl: string | undefined): Headers => ({
  'cache-control': 'no-cache, no-store, must-revalidate',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  ...(publicUrl?.startsWith('https:') ? { 'strict-transport-security': HTTPS_ONLY } : {}),
})

/** What a page may use of the machine it is shown on: nothing. */
export const NO_FEATURES =
  'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()'

/** Gives them to every answer that gets as far as a route, or as far as that there is none; to be called before other hooks. */
export function addSecurityHeaders(app: FastifyInstance, headers: Headers): void {
  // Not async, as the other hooks that wait for nothing: a dozen promises were a seventh of what a small answer costs.
  app.addHook('onRequest', (request, reply, done) => {
    tellFirst(headers, request, reply)
    done()
  })
}

/** Gives them to one answer. */
export const tellFirst = (headers: Headers, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  reply.headers(headers).header('x-request-id', request.id)
