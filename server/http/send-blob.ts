/** A blob as the answer of a request: whole, a part, or only its headers; boxed in, because others decided what is in it. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { notFound } from '../ground/errors.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { answerFor } from './conditions.ts'
import { inlineAs } from './content-disposition.ts'
import { NO_FEATURES } from './security-headers.ts'

/** Nothing from elsewhere is loaded, nothing runs, and the page has an origin of its own. */
const BOXED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:"

export interface Served {
  readonly blobKey: string
  readonly name: string
  /** As a client called it, any text. */
  readonly contentType: string
  /** What tells this content from what the same URL gave before. */
  readonly version: {
    /** Without quotes. */
    readonly etag: string
    readonly lastModified?: Date
  }
}

/** @throws notFound when there is no such blob */
export async function sendBlob(
  blobs: Pick<Blobs, 'stat' | 'get'>,
  request: FastifyRequest,
  reply: FastifyReply,
  file: Served,
): Promise<FastifyReply> {
  const found = await blobs.stat(file.blobKey)
  if (!found) throw notFound('File')
  const { sizeBytes } = found
  const version = { ...file.version, etag: `"${file.version.etag}"` }
  // Browsers show no page that has this and a sandbox (HTML standard, 7.4.2.3).
  reply.removeHeader('cross-origin-opener-policy').headers({
    'content-type': servedType(file.contentType),
    'content-disposition': inlineAs(file.name),
    'content-security-policy': BOXED,
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'permissions-policy': NO_FEATURES,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=0, must-revalidate',
    etag: version.etag,
    ...(version.lastModified ? { 'last-modified': version.lastModified.toUTCString() } : {}),
  })
  const answer = answerFor(request.headers, version, sizeBytes)
  if (answer.status === 304) return reply.code(304).send()
  if (answer.status === 416) {
    reply.header('content-range', `bytes */${sizeBytes}`)
    const message = `The range lies beyond the file's ${sizeBytes} bytes`
    return reply.code(416).type('application/json').send({ type: 'RangeNotSatisfiable', message })
  }
  const range = answer.status === 206 ? answer.range : undefined
  if (range) reply.header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`)
  reply.code(answer.status).header('content-length', range ? range.end - range.start + 1 : sizeBytes)
  return reply.send(request.method === 'HEAD' ? undefined : blobs.get(file.blobKey, range))
}

/** A media type with its parameters (RFC 9110 §8.3), so that nothing else gets into a header. */
const MEDIA_TYPE =
  /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:; ?[\w-]{1,50}=(?:[\w.+-]{1,100}|"[\w .+/:-]{0,100}"))*$/

/** A type whose parts bring headers of their own, which some browsers follow instead of ours. */
const SERVER_PUSH = /^multipart\/x-mixed-replace\b/i

/** The type as it was called when that is one, else bytes; text is UTF-8 unless it says otherwise. */
export function servedType(contentType: string): string {
  if (!MEDIA_TYPE.test(contentType) || SERVER_PUSH.test(contentType)) return 'application/octet-stream'
  const isText = /^text\/[^;]*$|^[^;]*json$|^[^;]*javascript$/i.test(contentType)
  return isText ? `${contentType}; charset=utf-8` : contentType
}
