/**
 * JSON answers of some size go out compressed where the client takes that. Only what is text in memory is: streams of
 * events must not wait for more, parts of files are parts of what the client has, and most blobs are compressed already.
 * That a compressed answer tells by its length what is in it is no danger here: nobody can make another's browser ask
 * with that one's token, because tokens are no cookies.
 */

import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import acceptNegotiator from '@fastify/accept-negotiator'
import type { FastifyInstance } from 'fastify'
import { addVary } from './vary.ts'

/** Bytes; below this an answer fits a packet anyway. */
const THRESHOLD = 1024
/** In the order we prefer them in where the client has no preference. */
const CODINGS = ['br', 'gzip', 'identity']

const [brotli, zip] = [promisify(brotliCompress), promisify(gzip)]

const compress: Record<string, (content: Buffer) => Promise<Buffer>> = {
  // Its own best level takes seconds; this one is as fast as gzip, and smaller.
  br: (content) => brotli(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (content) => zip(content),
}

/** Compresses what is sent as text, off the main thread. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload: unknown, done) => {
    if (typeof payload !== 'string' || payload.length < THRESHOLD || reply.hasHeader('content-encoding')) {
      return done(null, payload)
    }
    addVary(reply, 'accept-encoding')
    const coding = codingFor(request.headers['accept-encoding'])
    const make = coding === undefined ? undefined : compress[coding]
    if (!coding || !make) return done(null, payload)
    make(Buffer.from(payload)).then((content) => {
      reply.header('content-encoding', coding).removeHeader('content-length')
      done(null, content)
    }, done)
  })
}

/** What to send for an Accept-Encoding header; undefined for the plain text, which is always acceptable here. */
export function codingFor(header: string | undefined): string | undefined {
  if (!header) return undefined
  const coding = acceptNegotiator.negotiate(header.toLowerCase(), CODINGS)
  return coding && coding !== 'identity' ? coding : undefined
}
