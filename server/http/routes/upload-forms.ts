/** Where upload forms are sent: no token, the signed policy of the form is what allows it. Answers as S3 does. */

import type { FastifyInstance } from 'fastify'
import { mostBytes } from '../../catalog/application-limits.ts'
import { storeContent } from '../../catalog/files/content.ts'
import { getFile } from '../../catalog/files/find.ts'
import { FORM_PATH } from '../file-answers.ts'
import type { Parts } from '../parts.ts'
import { openUploadForm } from '../upload-form.ts'
import { takeFilePart } from '../uploads.ts'

/** Registers the path that the forms of created and patched files name. */
export function serveUploadForms(app: FastifyInstance, { db, blobs, linkSecret, config }: Parts): void {
  app.post(FORM_PATH, async (request, reply) => {
    // A page of any origin that was given a form may send it and read what came of it; no credentials are involved.
    reply.header('access-control-allow-origin', '*').header('access-control-expose-headers', 'ETag')
    const stored = await takeFilePart(request, 'file', async ({ fields, content }) => {
      const { tree, fileId, maxBytes } = openUploadForm(linkSecret, fields, new Date())
      await getFile(db, tree, fileId) // before the bytes are taken
      // The application may have got a lower limit after the form was given out, and then that holds.
      const now = await mostBytes(db, tree.applicationId, 'fileBytes', config.limits)
      return storeContent({ db, blobs }, tree, fileId, content, { ...now, bytes: Math.min(maxBytes, now.bytes) })
    })
    return reply.code(204).header('etag', `"${stored.etag}"`).send()
  })
}
