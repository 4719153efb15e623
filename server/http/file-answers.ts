/** Files as answers: with the URL they open by, public or signed, and the form their content is to come by. */

import type { ApplicationFile, FileWithUpload } from '../../contract/files.ts'
import { pathIn } from '../catalog/files/paths.ts'
import { type FileRow, type FileTree, toFile } from '../catalog/files/rows.ts'
import { wholeNumber } from '../catalog/listing.ts'
import { linkToFile } from './file-links.ts'
import type { Parts } from './parts.ts'
import { uploadFields } from './upload-form.ts'

export const FORM_PATH = '/uploads'

export interface FileAnswers {
  readonly file: (row: FileRow) => ApplicationFile
  /** With a form that takes so many bytes; a directory gets none. */
  readonly withForm: (row: FileRow, maxBytes: number) => FileWithUpload
}

/** `urlTTL` is what a client asked for, in seconds; it only matters for private files. */
export function fileAnswers(
  { linkSecret, config }: Pick<Parts, 'linkSecret' | 'config'>,
  tree: FileTree,
  { baseUrl, urlTTL }: { baseUrl: string; urlTTL?: string | undefined },
): FileAnswers {
  const now = new Date()
  const seconds = wholeNumber(urlTTL, DEFAULT_TTL, 0, MAX_TTL)
  const privateUrl = ({ application_id: applicationId, id: fileId, name, blob_key }: FileRow) =>
    blob_key && seconds > 0
      ? baseUrl + linkToFile(linkSecret, { applicationId, fileId, expiresAt: later(now, seconds * 1000) }, name)
      : undefined
  const publicUrl = (row: FileRow) => baseUrl + publicPath(row.application_id, pathIn(row.parent_directory, row.name))
  const file = (row: FileRow) => toFile(row, tree.private ? privateUrl : publicUrl)
  const formOf = ({ id: fileId }: FileRow, maxBytes: number) => {
    const grant = { tree, fileId, maxBytes, expiresAt: later(now, config.files.formMs) }
    return { url: baseUrl + FORM_PATH, fields: uploadFields(linkSecret, grant) }
  }
  return {
    file,
    withForm: (row, maxBytes) => (row.type === 'file' ? { ...file(row), upload: formOf(row, maxBytes) } : file(row)),
  }
}

/** Seconds; the longest is that of S3's signed URLs. */
const DEFAULT_TTL = 900
const MAX_TTL = 7 * 86_400

const later = (now: Date, ms: number) => new Date(now.getTime() + ms)

/** The path below the service's address under which a public file opens. */
export const publicPath = (applicationId: string, path: string) =>
  `/files/${applicationId}${path.split('/').map(encodeURIComponent).join('/')}`
