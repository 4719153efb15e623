/** Files that notebooks write, placed with their content in the transaction that ends the execution. */

import { invalid } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { holdDirectories } from './directories.ts'
import { findPath } from './find.ts'
import { normalDirectory, pathIn, requireName } from './paths.ts'
import type { FileRow } from './rows.ts'

export interface PlacedFile {
  readonly applicationId: string
  readonly private: boolean
  readonly directory: string
  readonly name: string
  readonly blobKey: string
  readonly sizeBytes: number
  readonly contentType: string
  readonly notebookId: string
}

/**
 * Places a file that a notebook wrote, making the directories above it and replacing a file of that path. Gives the key
 * of the blob that was replaced, for the caller to delete once this is committed.
 * @throws invalid when a directory is where the file should be, or a file where a directory should be
 */
export async function placeFile(tx: Queryable, file: PlacedFile): Promise<{ replaced: string | undefined }> {
  const directory = normalDirectory(file.directory)
  const name = requireName(file.name)
  await holdDirectories(tx, file, directory, { type: 'notebook', id: file.notebookId })
  const path = pathIn(directory, name)
  // Before anything is locked: whoever has put something into that directory holds it, too.
  if ((await findPath(tx, file, path))?.type === 'directory') throw invalid(`"${path}" is a directory`)
  // The first of the two statements waits for whoever has just made or is changing the entry; the second sees what it did.
  await tx.query(
    `insert into files (id, application_id, private, parent_directory, name, type, status, author_type, author_id)
     values ($1, $2, $3, $4, $5, 'file', 'pending', 'notebook', $6)
     on conflict (application_id, private, path_hash) do update set id = files.id`,
    [newId(), file.applicationId, file.private, directory, name, file.notebookId],
  )
  const old = await tx.one<FileRow>(
    'select * from files where application_id = $1 and private = $2 and path_hash = file_hash($3)',
    [file.applicationId, file.private, path],
  )
  if (old?.type !== 'file') throw invalid(`"${path}" is a directory`)
  await tx.query(
    `update files set blob_key = $2, size_bytes = $3, content_type = $4, etag = null, dimensions = null,
       author_type = 'notebook', author_id = $5, status = 'completed', updated_at = now()
     where id = $1`,
    [old.id, file.blobKey, file.sizeBytes, file.contentType, file.notebookId],
  )
  return { replaced: old.blob_key ?? undefined }
}
