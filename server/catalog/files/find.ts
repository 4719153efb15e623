/** Finding files: by id, by path, and by pages of a directory. */

import { notFound } from '../../ground/errors.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from '../listing.ts'
import { normalDirectory, pathIn, splitPath } from './paths.ts'
import { type FileRow, type FileTree, thingIn } from './rows.ts'

export interface FileQuery extends ListQuery {
  readonly type?: string
  readonly status?: string
  /** Only what lies directly in it; all directories when it is not given. */
  readonly directory?: string
}

/**
 * One page of a directory and whether that directory exists. Without a directory it is a page of the whole tree: the
 * original's command line client lists an application so.
 */
export async function listFiles(
  db: Queryable,
  tree: FileTree,
  query: FileQuery,
): Promise<Page<FileRow> & { parentExists: boolean }> {
  const directory = query.directory ? normalDirectory(query.directory, 'directory') : undefined
  const conditions = ['application_id = $1', 'private = $2']
  const values: unknown[] = [tree.applicationId, tree.private]
  const require = (condition: (value: string) => string, value: string | undefined) => {
    if (value) conditions.push(condition(`$${values.push(value)}`))
  }
  require((value) => `parent_hash = file_hash(${value})`, directory)
  require((value) => `type = ${value}`, query.type)
  require((value) => `status = ${value}`, query.status)
  const source = {
    from: `files where ${conditions.join(' and ')}`,
    values,
    sort: {
      lastUpdated: 'updated_at',
      type: 'type',
      // As the index has it; names that begin alike for so long are rare.
      name: 'left(name, 255)',
      creationDate: 'created_at',
    },
    defaultSort: 'lastUpdated',
    hasNulls: false,
  }
  const page = await listPage<FileRow, FileRow>(db, source, query, (row) => row)
  return { ...page, parentExists: directory === undefined || (await hasDirectory(db, tree, directory)) }
}

async function hasDirectory(db: Queryable, tree: FileTree, directory: string): Promise<boolean> {
  return directory === '/' || (await findPath(db, tree, directory))?.type === 'directory'
}

/** Links and forms reach files without entering their application, so they have to see whether it was deleted. */
const LIVE = 'exists (select from applications where id = files.application_id and deleted_at is null)'

/** @throws notFound when this tree has no file or directory of that id */
export async function getFile(db: Queryable, tree: FileTree, id: string): Promise<FileRow> {
  const row = await db.one<FileRow>(
    `select * from files where id = $1 and application_id = $2 and private = $3 and ${LIVE}`,
    [id, tree.applicationId, tree.private],
  )
  if (!row) throw notFound(thingIn(tree))
  return row
}

/** What lies at a path as it is kept, a file or a directory. */
export const findPath = (db: Queryable, tree: FileTree, path: string): Promise<FileRow | undefined> =>
  db.one<FileRow>(
    `select * from files where application_id = $1 and private = $2 and path_hash = file_hash($3) and ${LIVE}`,
    [tree.applicationId, tree.private, path],
  )

/** A file with content. */
export interface FoundFile {
  readonly blobKey: string
  readonly name: string
  /** Bytes of the content. */
  readonly sizeBytes: number
  /** What the client called it, any text; undefined when it did not. */
  readonly contentType: string | undefined
  /** MD5 in hexadecimal digits; undefined for what notebooks wrote. */
  readonly etag: string | undefined
  readonly updatedAt: Date
}

/**
 * The file at a path of one of an application's trees, with the content it has now; undefined when there is none, when
 * it is a directory, or when nothing has been uploaded yet. A slash at the start may be missing.
 * @throws invalid for a path that no file can have, with `..` for example
 */
export async function findFileByPath(
  db: Queryable,
  applicationId: string,
  path: string,
  where: { readonly private: boolean },
): Promise<FoundFile | undefined> {
  const { directory, name } = splitPath(path)
  return foundFile(await findPath(db, { applicationId, ...where }, pathIn(directory, name)))
}

/** The content of a row, or undefined when it has none. */
export function foundFile(row: FileRow | undefined): FoundFile | undefined {
  if (!row?.blob_key) return undefined
  return {
    blobKey: row.blob_key,
    name: row.name,
    sizeBytes: row.size_bytes ?? 0,
    contentType: row.content_type ?? undefined,
    etag: row.etag ?? undefined,
    updatedAt: row.updated_at,
  }
}
