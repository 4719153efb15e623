/**
 * The content of files: streamed to the blob store, then recorded. Until it is recorded a file keeps what it had, and a
 * blob that nothing refers to after a crash is collected by the daily pass (`orphans.ts`).
 */

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { notFound, unavailable } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import { largerThan, type MostBytes } from '../../ground/sizes.ts'
import type { Blobs } from '../../stores/blobs/blobs.ts'
import { isAway } from '../../stores/postgres/away.ts'
import type { Database } from '../../stores/postgres/database.ts'
import { type FileRow, type FileTree, thingIn } from './rows.ts'

/** Where the blobs of an application's files are, both trees. */
export const fileBlobs = (applicationId: string) => `files/${applicationId}`

/**
 * Stores new content of a file: all of it or nothing. Of several uploads to one file the one that ends last counts.
 * @throws notFound when the file is gone by then; tooLarge when there is more than `most` allows; unavailable when the
 *   disk is full; whatever `content` throws
 */
export async function storeContent(
  { db, blobs }: { db: Database; blobs: Blobs },
  tree: FileTree,
  id: string,
  content: AsyncIterable<Uint8Array>,
  most: MostBytes,
): Promise<FileRow> {
  const blobKey = `${fileBlobs(tree.applicationId)}/${newId()}`
  const md5 = createHash('md5') // what S3 calls the content by, and clients compare with
  const { sizeBytes } = await blobs.put(blobKey, Readable.from(measured(content, most, md5))).catch(toldWhenFull)
  try {
    const { row, replaced } = await record(db, tree, id, { blobKey, sizeBytes, etag: md5.digest('hex') })
    // The upload is complete either way; the daily pass takes what could not be deleted.
    if (replaced) await blobs.delete(replaced).catch(() => {})
    return row
  } catch (error) {
    // When the database went away its answer may have been lost, and then the blob has its file.
    if (!isAway(error)) await blobs.delete(blobKey)
    throw error
  }
}

/** The disk's limit, or a quota's: nothing is wrong with the upload, and later there may be room. */
function toldWhenFull(error: unknown): never {
  const isFull = error instanceof Error && 'code' in error && /^(?:ENOSPC|EDQUOT)$/.test(String(error.code))
  throw isFull ? unavailable('There is no room for this file at the moment', error) : error
}

async function* measured(
  content: AsyncIterable<Uint8Array>,
  most: MostBytes,
  hash: { update(chunk: Uint8Array): unknown },
) {
  let bytes = 0
  for await (const chunk of content) {
    bytes += chunk.byteLength
    if (bytes > most.bytes) throw largerThan('The file', most)
    hash.update(chunk)
    yield chunk
  }
}

async function record(
  db: Database,
  tree: FileTree,
  id: string,
  content: { blobKey: string; sizeBytes: number; etag: string },
): Promise<{ row: FileRow; replaced: string | undefined }> {
  return db.transaction(async (tx) => {
    const of = [id, tree.applicationId, tree.private]
    const old = await tx.one<FileRow>(
      `select * from files where id = $1 and application_id = $2 and private = $3 and type = 'file' for update`,
      of,
    )
    const row = await tx.one<FileRow>(
      `update files set blob_key = $4, size_bytes = $5, etag = $6, status = 'completed', updated_at = now()
       where id = $1 and application_id = $2 and private = $3 and type = 'file' returning *`,
      [...of, content.blobKey, content.sizeBytes, content.etag],
    )
    if (!row) throw notFound(thingIn(tree))
    return { row, replaced: old?.blob_key ?? undefined }
  })
}
