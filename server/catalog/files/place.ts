/** Files that notebooks write, placed with their content in the transaction that ends the execution. */

import { invalid } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { holdDirectories } from './directories.ts'
import { normalDirectory, pathIn, requireName } from './paths.ts'
import type { FileRow, FileTree } from './rows.ts'

/** Content that is stored already, and where it goes. */
export interface NewContent {
  /** As it is kept: `/a/b`. */
  readonly directory: string
  readonly name: string
  readonly blobKey: string
  readonly sizeBytes: number
  readonly contentType: string
}

export interface PlacedFile extends FileTree, NewContent {
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
  const { replaced, refused } = await placeFiles(tx, file, file.notebookId, [{ ...file, directory, name }])
  if (refused[0]) throw isDirectory(refused[0])
  return { replaced: replaced[0] }
}

const isDirectory = (file: NewContent) => invalid(`"${pathIn(file.directory, file.name)}" is a directory`)

/** Rows of one statement. */
const BATCH = 1000

export interface PlacedFiles {
  /** Keys of the blobs that were replaced. */
  readonly replaced: string[]
  /** Files that have a directory in their place. */
  readonly refused: NewContent[]
}

/** Places files of different paths whose directories the caller holds, in the order given. */
export async function placeFiles(
  tx: Queryable,
  tree: FileTree,
  notebookId: string,
  files: readonly NewContent[],
): Promise<PlacedFiles> {
  const placed: PlacedFiles = { replaced: [], refused: [] }
  for (let from = 0; from < files.length; from += BATCH) {
    await placeBatch(tx, tree, notebookId, files.slice(from, from + BATCH), placed)
  }
  return placed
}

async function placeBatch(
  tx: Queryable,
  tree: FileTree,
  notebookId: string,
  files: readonly NewContent[],
  placed: PlacedFiles,
): Promise<void> {
  const of = [tree.applicationId, tree.private]
  const byPath = new Map(files.map((file) => [pathIn(file.directory, file.name), file]))
  // Before anything is locked: whoever has put something into such a directory holds it, too.
  const directories = await tx.query<Pick<FileRow, 'parent_directory' | 'name'>>(
    `select parent_directory, name from files
     where application_id = $1 and private = $2 and type = 'directory'
       and path_hash = any(select file_hash(path) from unnest($3::text[]) as path)`,
    [...of, [...byPath.keys()]],
  )
  const refuse = ({ parent_directory, name }: Pick<FileRow, 'parent_directory' | 'name'>) => {
    const path = pathIn(parent_directory, name)
    const file = byPath.get(path)
    if (file) placed.refused.push(file)
    byPath.delete(path)
  }
  directories.forEach(refuse)
  const wanted = [...byPath.values()]
  // Waits for whoever has just made or is changing an entry, and gives each as it is then.
  const entries = await tx.query<Pick<FileRow, 'id' | 'parent_directory' | 'name' | 'type' | 'blob_key'>>(
    `insert into files (id, application_id, private, parent_directory, name, type, status, author_type, author_id)
     select id, $1::text, $2::boolean, directory, name, 'file', 'pending', 'notebook', $3::text
     from unnest($4::text[], $5::text[], $6::text[]) with ordinality as given (id, directory, name, n) order by n
     on conflict (application_id, private, path_hash) do update set id = files.id
     returning id, parent_directory, name, type, blob_key`,
    [
      ...of,
      notebookId,
      wanted.map(() => newId()),
      wanted.map(({ directory }) => directory),
      wanted.map(({ name }) => name),
    ],
  )
  entries.filter(({ type }) => type !== 'file').forEach(refuse)
  const filled = entries.flatMap((entry) => {
    const file = byPath.get(pathIn(entry.parent_directory, entry.name))
    return file ? [{ ...file, id: entry.id, old: entry.blob_key }] : []
  })
  await tx.query(
    `update files set blob_key = given.blob_key, size_bytes = given.size_bytes, content_type = given.content_type,
       etag = null, dimensions = null, author_type = 'notebook', author_id = $1, status = 'completed', updated_at = now()
     from unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) as given (id, blob_key, size_bytes, content_type)
     where files.id = given.id`,
    [
      notebookId,
      filled.map(({ id }) => id),
      filled.map(({ blobKey }) => blobKey),
      filled.map(({ sizeBytes }) => sizeBytes),
      filled.map(({ contentType }) => contentType),
    ],
  )
  placed.replaced.push(...filled.flatMap(({ old }) => old ?? []))
}
