/** Application files: placed by executions, listed by directory, opened by their public path. */

import type { ApplicationFile } from '../../contract/files.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

interface FileRow {
  id: string
  application_id: string
  parent_directory: string
  name: string
  type: 'file' | 'directory'
  status: ApplicationFile['status']
  blob_key: string | null
  size_bytes: number | null
  content_type: string | null
  author_type: ApplicationFile['authorType']
  author_id: string | null
  created_at: Date
  updated_at: Date
}

/** The path below the service's address under which a public file opens. */
export const publicPath = (applicationId: string, path: string) =>
  `/files/${applicationId}${path.split('/').map(encodeURIComponent).join('/')}`

const join = (directory: string, name: string) => (directory === '/' ? `/${name}` : `${directory}/${name}`)

const toFile =
  (baseUrl: string) =>
  (row: FileRow): ApplicationFile => ({
    id: row.id,
    applicationId: row.application_id,
    creationDate: row.created_at.toISOString(),
    lastUpdated: row.updated_at.toISOString(),
    authorType: row.author_type,
    ...(row.author_id === null ? {} : { authorId: row.author_id }),
    status: row.status,
    name: row.name,
    parentDirectory: row.parent_directory,
    type: row.type,
    ...(row.size_bytes === null ? {} : { fileSize: row.size_bytes }),
    ...(row.content_type === null ? {} : { contentType: row.content_type }),
    ...(row.type === 'file'
      ? { url: baseUrl + publicPath(row.application_id, join(row.parent_directory, row.name)) }
      : {}),
  })

/** The public files and folders of one directory, and whether that directory exists. */
export async function listFiles(
  db: Queryable,
  applicationId: string,
  query: ListQuery & { type?: string; status?: string; directory?: string },
  baseUrl: string,
): Promise<Page<ApplicationFile> & { parentExists: boolean }> {
  const directory = normalDirectory(query.directory ?? '/')
  const source = {
    from: `files where application_id = $1 and not private and parent_directory = $2
      and ($3::text is null or type = $3) and ($4::text is null or status = $4)`,
    values: [applicationId, directory, query.type || null, query.status || null],
    sort: { lastUpdated: 'updated_at', type: 'type', name: 'name', creationDate: 'created_at' },
    defaultSort: 'lastUpdated',
  }
  const page = await listPage(db, source, query, toFile(baseUrl))
  return { ...page, parentExists: directory === '/' || (await findFolder(db, applicationId, directory)) }
}

/** @throws notFound */
export async function getFile(
  db: Queryable,
  applicationId: string,
  id: string,
  baseUrl: string,
): Promise<ApplicationFile> {
  const row = await db.one<FileRow>('select * from files where id = $1 and application_id = $2 and not private', [
    id,
    applicationId,
  ])
  if (!row) throw notFound('File')
  return toFile(baseUrl)(row)
}

/** What a public path names, or undefined. */
export async function findPublicFile(
  db: Queryable,
  applicationId: string,
  path: string,
): Promise<{ blobKey: string; contentType: string; name: string } | undefined> {
  const slash = path.lastIndexOf('/')
  const row = await db.one<FileRow>(
    `select * from files where application_id = $1 and not private and type = 'file'
       and parent_directory = $2 and name = $3`,
    [applicationId, path.slice(0, slash) || '/', path.slice(slash + 1)],
  )
  if (!row?.blob_key) return undefined
  return { blobKey: row.blob_key, contentType: row.content_type ?? 'application/octet-stream', name: row.name }
}

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
 * Places a file that a notebook wrote, making the folders above it and replacing a file of that path. Gives the key of
 * the blob that was replaced, for the caller to delete once this is committed.
 * @throws invalid when a folder is where the file should be, or a file where a folder should be
 */
export async function placeFile(tx: Queryable, file: PlacedFile): Promise<{ replaced: string | undefined }> {
  const directory = normalDirectory(file.directory)
  if (!file.name || file.name.length > 1024 || /[/\0]/.test(file.name) || /^\.{1,2}$/.test(file.name)) {
    throw invalid(`"${file.name}" is not a file name: it must have 1 to 1024 characters and no "/"`)
  }
  await makeFolders(tx, file, directory)
  const old = await tx.one<FileRow>(
    `select * from files where application_id = $1 and private = $2 and parent_directory = $3 and name = $4 for update`,
    [file.applicationId, file.private, directory, file.name],
  )
  if (old?.type === 'directory') throw invalid(`"${join(directory, file.name)}" is a directory`)
  await tx.query(
    `insert into files (id, application_id, private, parent_directory, name, type, blob_key, size_bytes, content_type,
       author_type, author_id)
     values ($1, $2, $3, $4, $5, 'file', $6, $7, $8, 'notebook', $9)
     on conflict (application_id, private, parent_directory, name) do update set
       blob_key = excluded.blob_key, size_bytes = excluded.size_bytes, content_type = excluded.content_type,
       author_type = excluded.author_type, author_id = excluded.author_id, status = 'completed', updated_at = now()`,
    [
      newId(),
      file.applicationId,
      file.private,
      directory,
      file.name,
      file.blobKey,
      file.sizeBytes,
      file.contentType,
      file.notebookId,
    ],
  )
  return { replaced: old?.blob_key ?? undefined }
}

async function makeFolders(tx: Queryable, file: PlacedFile, directory: string): Promise<void> {
  const parts = directory.split('/').filter(Boolean)
  for (const [index, name] of parts.entries()) {
    const parent = `/${parts.slice(0, index).join('/')}`
    const rows = await tx.query<{ type: string }>(
      `insert into files (id, application_id, private, parent_directory, name, type, author_type, author_id)
       values ($1, $2, $3, $4, $5, 'directory', 'notebook', $6)
       on conflict (application_id, private, parent_directory, name) do update set name = excluded.name
       returning type`,
      [newId(), file.applicationId, file.private, parent, name, file.notebookId],
    )
    if (rows[0]?.type !== 'directory')
      throw invalid(`"${join(parent, name)}" is a file, so nothing can be put below it`)
  }
}

async function findFolder(db: Queryable, applicationId: string, directory: string): Promise<boolean> {
  const slash = directory.lastIndexOf('/')
  const found = await db.one(
    `select id from files where application_id = $1 and not private and type = 'directory'
       and parent_directory = $2 and name = $3`,
    [applicationId, directory.slice(0, slash) || '/', directory.slice(slash + 1)],
  )
  return found !== undefined
}

/** `/a/b` of what was written, `/` for the root. @throws invalid for `.`, `..`, NUL and overlong paths */
export function normalDirectory(text: string): string {
  const parts = text.split('/').filter(Boolean)
  const bad = parts.find((part) => part === '.' || part === '..' || part.includes('\0') || part.length > 255)
  if (bad !== undefined || text.length > 1024) {
    throw invalid(`"${text.slice(0, 200)}" is not a directory: names of up to 255 characters between slashes, not ".."`)
  }
  return `/${parts.join('/')}`
}
