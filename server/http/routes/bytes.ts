/**
 * Files by URL, without credentials: public application files by path, everything else by signed link. What notebooks
 * made is not trusted: it is served boxed in, so that a page of it can reach neither the API nor another page's data.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { findPublicFile } from '../../catalog/files.ts'
import { contentTypeOf } from '../../executions/staging.ts'
import { forbidden, notFound } from '../../ground/errors.ts'
import { LINK_PREFIX, openLink } from '../../stores/blobs/links.ts'
import type { Parts } from '../parts.ts'

/** Nothing from elsewhere is loaded, nothing runs, and the page has an origin of its own. */
const BOXED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:"

/** Registers `/files/…` and `/blobs/…`. */
export function serveBytes(app: FastifyInstance, parts: Parts): void {
  app.get<{ Params: { applicationId: string; '*': string } }>('/files/:applicationId/*', async (request, reply) => {
    const { applicationId, '*': path } = request.params
    const file = await findPublicFile(parts.db, applicationId.toLowerCase(), `/${path}`)
    if (!file) throw notFound('File')
    return sendBlob(parts, request, reply, file)
  })
  app.get<{ Params: { key: string; name: string }; Querystring: Record<string, string | undefined> }>(
    `${LINK_PREFIX}:key/:name`,
    async (request, reply) => {
      const { key, name } = request.params
      const { expires = '', signature = '' } = request.query
      const given = { encodedKey: key, fileName: name, expires, signature }
      const link = openLink(parts.linkSecret, given, new Date())
      if (link === 'wrong') throw forbidden('This link is not valid')
      if (link === 'expired') throw forbidden('This link has expired; ask the API for a new one')
      return sendBlob(parts, request, reply, { blobKey: link.key, contentType: contentTypeOf(name), name })
    },
  )
}

interface Served {
  readonly blobKey: string
  readonly contentType: string
  readonly name: string
}

async function sendBlob(
  parts: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
  file: Served,
): Promise<FastifyReply> {
  const found = await parts.blobs.stat(file.blobKey)
  if (!found) throw notFound('File')
  const isText = /^text\/|json$|javascript$/.test(file.contentType)
  reply.headers({
    'content-type': isText ? `${file.contentType}; charset=utf-8` : file.contentType,
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(file.name)}`,
    'content-security-policy': BOXED,
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=0, must-revalidate',
  })
  const range = rangeOf(request.headers.range, found.sizeBytes)
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${found.sizeBytes}`)
    const message = `The range lies beyond the file's ${found.sizeBytes} bytes`
    return reply.code(416).type('application/json').send({ type: 'RangeNotSatisfiable', message })
  }
  if (!range) return reply.header('content-length', found.sizeBytes).send(parts.blobs.get(file.blobKey))
  reply.header('content-range', `bytes ${range.start}-${range.end}/${found.sizeBytes}`)
  reply.header('content-length', range.end - range.start + 1)
  return reply.code(206).send(parts.blobs.get(file.blobKey, range))
}

/** The one range asked for (RFC 9110 §14.2); several ranges, or other units, are answered with the whole file. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined // not valid, so to be ignored
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start > end || start >= size ? 'unsatisfiable' : { start, end }
}
