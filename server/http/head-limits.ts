/** How large the head of a request may be: its URL, its query, its header fields. Bodies are bounded in json-body.ts and uploads.ts. */

import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Of everything before the body. Node answers what is larger, by client-errors.ts. */
export const MAX_HEAD_BYTES = 32 * 1024

/** Characters. Half of the head, and room for every query the contract has but one of 8,192 characters that all are escaped. */
const MAX_URL_LENGTH = 16 * 1024
const MAX_PARAMETERS = 200
const MAX_FIELDS = 100

/** Refuses heads that are larger, before anything of them is looked at. */
export function limitHeads(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const refusal = refusalOf(request)
    if (refusal) reply.code(refusal.status).send({ type: 'Validation', message: refusal.message })
    else done()
  })
}

function refusalOf({ raw }: FastifyRequest): { status: number; message: string } | undefined {
  const { url = '', rawHeaders, httpVersion } = raw
  if (url.length > MAX_URL_LENGTH)
    return { status: 414, message: `The URL has ${url.length} characters; at most ${MAX_URL_LENGTH} are allowed` }
  if (isMoreThan(MAX_PARAMETERS, url))
    return { status: 400, message: `The query may have at most ${MAX_PARAMETERS} parameters` }
  if (rawHeaders.length / 2 > MAX_FIELDS)
    return {
      status: 431,
      message: `The request has ${rawHeaders.length / 2} header fields; at most ${MAX_FIELDS} are allowed`,
    }
  // RFC 9112 §3.2; asked here because Node would answer without a body.
  if (httpVersion === '1.1' && raw.headers.host === undefined)
    return { status: 400, message: 'The request must have a Host header' }
  return undefined
}

function isMoreThan(most: number, url: string): boolean {
  let at = url.indexOf('?')
  for (let count = 0; at >= 0; count++) {
    if (count === most) return true
    at = url.indexOf('&', at + 1)
  }
  return false
}
