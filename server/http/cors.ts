/**
 * Pages of other origins may use the API from a browser, as with the original (behaviour dossier §6.8). A browser adds
 * nothing of its own to such a request that would say who is asking: tokens come by header or parameter only, and
 * credentials are never allowed. So a page can do what its own token can, and without one what anybody can.
 */

import cors from '@fastify/cors'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'

/** For routes that pages of other origins may embed or link to, and never read: what notebooks made, and states of ours. */
export const NOT_FOR_OTHER_PAGES: { readonly config: FastifyContextConfig & { cors: false } } = {
  config: { cors: false },
}

/** What clients send, in the original's order, and then what only we understand. */
const REQUEST_HEADERS =
  'Accept,Content-Type,X-Amz-Date,Authorization,Accept-Version,losantdomain,Idempotency-Key,Last-Event-ID'
const METHODS = 'DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT'
/** What a script may read of an answer besides its body. */
const ANSWER_HEADERS =
  'Allow,Content-Disposition,Idempotency-Replayed,RateLimit-Limit,RateLimit-Remaining,RateLimit-Reset,Retry-After,X-Request-Id'
/** Seconds; browsers ask again after two hours at the latest anyway. */
const DAY = 86_400

/** Names the origin that asked in each answer, and what it may do in those to preflights. */
export async function allowOtherOrigins(app: FastifyInstance): Promise<void> {
  await app.register(cors, {
    origin: true,
    methods: METHODS,
    allowedHeaders: REQUEST_HEADERS,
    maxAge: DAY,
    // Some clients ask by OPTIONS without saying what for.
    strictPreflight: false,
    preflightContinue: true, // to be counted, and answered by answerPreflights
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (request.headers.origin !== undefined) reply.header('access-control-expose-headers', ANSWER_HEADERS)
    done()
  })
}

/** Answers preflights of every path with 204; to be called after what counts and bounds requests. */
export function answerPreflights(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    // Some browsers wait for a body unless told that there is none.
    if (request.method === 'OPTIONS') reply.code(204).header('content-length', '0').send()
    else done()
  })
}
