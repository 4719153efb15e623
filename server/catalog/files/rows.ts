/** Rows of files and what the API shows of them. An application has two trees: its public files and its private ones. */

import type { ApplicationFile, FileDimensions } from '../../../contract/files.ts'
import { shownDirectory } from './paths.ts'

export interface FileTree {
  readonly applicationId: string
  readonly private: boolean
}

/** Who made a file. */
export interface Author {
  readonly type: ApplicationFile['authorType']
  readonly id: string
}

export interface FileRow {
  readonly id: string
  readonly application_id: string
  readonly private: boolean
  /** `/a/b`, and `/` for the root. */
  readonly parent_directory: string
  readonly name: string
  readonly type: 'file' | 'directory'
  readonly status: ApplicationFile['status']
  /** The content; a file has none until its first upload, and keeps it until the next one is complete. */
  readonly blob_key: string | null
  readonly size_bytes: number | null
  readonly content_type: string | null
  readonly etag: string | null
  readonly dimensions: FileDimensions | null
  readonly author_type: ApplicationFile['authorType']
  readonly author_id: string | null
  readonly created_at: Date
  readonly updated_at: Date
}

/** The URL of a file, when it has one. */
export type UrlOf = (row: FileRow) => string | undefined

/** What is called in messages of a tree: the published API has a word for each. */
export const thingIn = (tree: Pick<FileTree, 'private'>) => (tree.private ? 'Private file' : 'File')

/** A row as the API shows it. */
export function toFile(row: FileRow, urlOf: UrlOf): ApplicationFile {
  const url = row.type === 'file' ? urlOf(row) : undefined
  return {
    id: row.id,
    applicationId: row.application_id,
    creationDate: row.created_at.toISOString(),
    lastUpdated: row.updated_at.toISOString(),
    authorType: row.author_type,
    ...(row.author_id === null ? {} : { authorId: row.author_id }),
    status: row.status,
    name: row.name,
    parentDirectory: shownDirectory(row.parent_directory),
    type: row.type,
    ...(row.size_bytes === null ? {} : { fileSize: row.size_bytes }),
    ...(row.etag === null ? {} : { s3etag: row.etag }),
    ...(row.content_type === null ? {} : { contentType: row.content_type }),
    ...(row.dimensions === null ? {} : { fileDimensions: row.dimensions }),
    ...(url === undefined ? {} : { url }),
  }
}
