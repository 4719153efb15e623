/** Files before their content: made by a client that is about to upload, or told that new content will come. */

import type { FileDimensions, FilePatch, FilePost } from '../../../contract/files.ts'
import { invalid } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import { largerThan, type MostBytes } from '../../ground/sizes.ts'
import type { Database, Queryable } from '../../stores/postgres/database.ts'
import { holdDirectories } from './directories.ts'
import { getFile } from './find.ts'
import { canHold, normalDirectory, pathIn, requireName } from './paths.ts'
import type { Author, FileRow, FileTree } from './rows.ts'

/** Refuses a size that was told beforehand. @throws tooLarge */
export function requireSize(fileSize: number | undefined, most: MostBytes, field: string): void {
  if (fileSize === undefined || fileSize <= most.bytes) return
  throw largerThan(`${field} ${fileSize}`, most, fileSize)
}

/**
 * Makes a file that waits for its content, or a directory, and the directories above it. A file that still waits for its
 * first content is given again, so that a client whose upload failed can begin anew.
 * @param body what refusals call what was posted
 * @throws invalid for names and directories that can't be, and where something is already
 */
export async function createFile(
  db: Database,
  tree: FileTree,
  post: FilePost,
  author: Author,
  body: string,
): Promise<FileRow> {
  const name = requireName(post.name, `${body}.name`)
  const directory = normalDirectory(post.parentDirectory ?? '/', `${body}.parentDirectory`)
  const path = pathIn(directory, name)
  if (post.type === 'directory') checkDirectory(post, path, body)
  return db.transaction(async (tx) => {
    await holdDirectories(tx, tree, directory, author)
    const [row] = await tx.query<FileRow>(
      `insert into files (id, application_id, private, parent_directory, name, type, status, size_bytes, content_type,
         dimensions, author_type, author_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       on conflict (application_id, private, path_hash) do update set
         size_bytes = excluded.size_bytes, content_type = excluded.content_type, dimensions = excluded.dimensions,
         author_type = excluded.author_type, author_id = excluded.author_id, updated_at = now()
       where files.type = 'file' and files.blob_key is null and excluded.type = 'file'
       returning *`,
      [
        newId(),
        tree.applicationId,
        tree.private,
        directory,
        name,
        post.type,
        post.type === 'file' ? 'pending' : 'completed',
        post.fileSize ?? null,
        post.contentType || null,
        jsonOf(post.fileDimensions),
        author.type,
        author.id,
      ],
    )
    if (!row) throw invalid(`${body}.name "${name}" is taken: there is something at "${path}" already`)
    return row
  })
}

function checkDirectory(post: FilePost, path: string, body: string): void {
  if (!canHold(path)) throw invalid(`${body}.name and parentDirectory are together too long for a directory`)
  for (const property of ['fileSize', 'contentType', 'fileDimensions'] as const) {
    if (post[property] !== undefined) throw invalid(`${body}.${property} can only be given for type file`)
  }
}

/**
 * Takes down what the new content of a file will be, which it then waits for; what it has now is served until then.
 * @throws notFound; invalid for a directory
 */
export async function expectContent(db: Queryable, tree: FileTree, id: string, patch: FilePatch): Promise<FileRow> {
  const [row] = await db.query<FileRow>(
    `update files set status = 'pending', size_bytes = coalesce($4, size_bytes), content_type = coalesce($5, content_type),
       dimensions = coalesce($6, dimensions), updated_at = now()
     where id = $1 and application_id = $2 and private = $3 and type = 'file' returning *`,
    [
      id,
      tree.applicationId,
      tree.private,
      patch.fileSize ?? null,
      patch.contentType || null,
      jsonOf(patch.fileDimensions),
    ],
  )
  if (row) return row
  await getFile(db, tree, id)
  throw invalid('A directory has no content that could be uploaded')
}

/** Only what is known of them: a patch may say more. */
const jsonOf = (dimensions: FileDimensions | undefined) =>
  dimensions ? JSON.stringify({ width: dimensions.width, height: dimensions.height }) : null
