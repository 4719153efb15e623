/**
 * Files by URL, without a token: public application files by path, private ones and everything else by signed link. What
 * notebooks and clients made is not trusted: it is served boxed in, so that a page of it can reach neither the API nor
 * another page's data.
 */

import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type FoundFile, findFileByPath, foundFile, getFile } from '../../catalog/files/find.ts'
import { contentTypeOf } from '../../executions/staging.ts'
import { AppError, forbidden, notFound } from '../../ground/errors.ts'
import { isId } from '../../ground/ids.ts'
import { LINK_PREFIX, openLink } from '../../stores/blobs/links.ts'
import { NOT_FOR_OTHER_PAGES } from '../cors.ts'
import { FILE_LINK_PREFIX, openFileLink } from '../file-links.ts'
import type { Parts } from '../parts.ts'
import { sendBlob } from '../send-blob.ts'

type Query = Record<string, string | undefined>

/** Registers `/files/…`, `/privateFiles/…` and `/blobs/…`. */
export function serveBytes(app: FastifyInstance, parts: Parts): void {
  const { db, blobs, linkSecret } = parts
  // Fastify's own HEAD would read the whole file to answer without it.
  const bytes = { method: ['GET', 'HEAD'], ...NOT_FOR_OTHER_PAGES }

  app.route<{ Params: { applicationId: string; '*': string } }>({
    ...bytes,
    url: '/files/:applicationId/*',
    handler: (request, reply) => {
      const { applicationId, '*': path } = request.params
      return sendFile(parts, request, reply, () =>
        findFileByPath(db, applicationId.toLowerCase(), path, { private: false }).catch(asAbsent),
      )
    },
  })

  app.route<{ Params: { applicationId: string; fileId: string; name: string }; Querystring: Query }>({
    ...bytes,
    url: `${FILE_LINK_PREFIX}:applicationId/:fileId/:name`,
    handler: (request, reply) => {
      const { applicationId, fileId, name } = request.params
      const { expires = '', signature = '' } = request.query
      requireOpen(openFileLink(linkSecret, { applicationId, fileId, name, expires, signature }, new Date()))
      const tree = { applicationId, private: true }
      return sendFile(parts, request, reply, async () => {
        if (!isId(fileId)) return undefined
        return foundFile(await getFile(db, tree, fileId).catch(asAbsent))
      })
    },
  })

  app.route<{ Params: { key: string; name: string }; Querystring: Query }>({
    ...bytes,
    url: `${LINK_PREFIX}:key/:name`,
    handler: async (request, reply) => {
      const { key, name } = request.params
      const { expires = '', signature = '' } = request.query
      const link = openLink(linkSecret, { encodedKey: key, fileName: name, expires, signature }, new Date())
      if (link === 'wrong' || link === 'expired') return requireOpen(link)
      // Content never changes under its key.
      const version = { etag: tagOf(link.key) }
      return sendBlob(blobs, request, reply, { blobKey: link.key, name, contentType: contentTypeOf(name), version })
    },
  })
}

function requireOpen(link: 'open' | 'wrong' | 'expired'): void {
  if (link === 'wrong') throw forbidden('This link is not valid')
  if (link === 'expired') throw forbidden('This link has expired; ask the API for a new one')
}

/** A path or id that can't be is as good as one that is not there. */
function asAbsent(error: unknown): undefined {
  if (error instanceof AppError && (error.kind === 'invalid' || error.kind === 'notFound')) return undefined
  throw error
}

/** Content that is replaced between the two looks is gone at the second: then the file is asked again. */
const LOOKS = 3

async function sendFile(
  { blobs }: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
  find: () => Promise<FoundFile | undefined>,
): Promise<FastifyReply> {
  for (let look = 1; ; look += 1) {
    const file = await find()
    if (!file) throw notFound('File')
    if (look < LOOKS && !(await blobs.stat(file.blobKey))) continue
    const contentType = file.contentType ?? contentTypeOf(file.name)
    const version = { etag: file.etag ?? tagOf(file.blobKey), lastModified: file.updatedAt }
    return sendBlob(blobs, request, reply, { blobKey: file.blobKey, name: file.name, contentType, version })
  }
}

/** New content of a file is a blob of another key. The key is nobody's business, so its hash is the tag. */
const tagOf = (blobKey: string) => createHash('sha256').update(blobKey).digest('hex').slice(0, 32)
