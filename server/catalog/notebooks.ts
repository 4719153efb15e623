/** Notebooks: configuration and the `.ipynb` that belongs to it. Statistics of their runs are kept by executions. */

import type { NotebookLimits } from '../../contract/limits.ts'
import type { NotebookInput, NotebookOutput } from '../../contract/notebook-files.ts'
import type { ImageVersion, NotebookPatch, NotebookPost } from '../../contract/notebooks.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { prepared, type Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/**
 * What is read of a row. Named one by one, because a session keeps a prepared `*` as it was when a column is added, and
 * refuses it from then on.
 */
export const NOTEBOOK_COLUMNS = `id, application_id, name, description, image_version, inputs, outputs, jupyter_file_name,
  jupyter_blob_key, limits, created_at, updated_at`

export interface NotebookRow {
  id: string
  application_id: string
  name: string
  description: string | null
  image_version: ImageVersion
  inputs: NotebookInput[]
  outputs: NotebookOutput[]
  jupyter_file_name: string | null
  jupyter_blob_key: string | null
  limits: NotebookLimits
  created_at: Date
  updated_at: Date
}

export interface StoredNotebook {
  readonly id: string
  readonly applicationId: string
  readonly name: string
  readonly description: string | undefined
  readonly imageVersion: ImageVersion
  readonly inputs: NotebookInput[]
  readonly outputs: NotebookOutput[]
  /** What its executions may take, where that is less than the installation allows. */
  readonly limits: NotebookLimits
  /** The uploaded file, or undefined before the first upload. */
  readonly jupyterFile: { readonly name: string; readonly blobKey: string } | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a notebook gets that names no image. */
const DEFAULT_IMAGE: ImageVersion = 'v4'

export const toNotebook = (row: NotebookRow): StoredNotebook => ({
  id: row.id,
  applicationId: row.application_id,
  name: row.name,
  description: row.description ?? undefined,
  imageVersion: row.image_version,
  inputs: row.inputs,
  outputs: row.outputs,
  jupyterFile:
    row.jupyter_file_name && row.jupyter_blob_key
      ? { name: row.jupyter_file_name, blobKey: row.jupyter_blob_key }
      : undefined,
  limits: row.limits,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** @throws invalid as `checkFiles` says */
export async function createNotebook(
  db: Queryable,
  applicationId: string,
  post: NotebookPost,
): Promise<StoredNotebook> {
  checkFiles(post)
  const [row] = await db.query<NotebookRow>(
    `insert into notebooks (id, application_id, name, description, image_version, inputs, outputs)
     values ($1, $2, $3, $4, $5, $6, $7) returning *`,
    [
      newId(),
      applicationId,
      post.name,
      post.description ?? null,
      post.imageVersion ?? DEFAULT_IMAGE,
      JSON.stringify(post.inputs ?? []),
      JSON.stringify(post.outputs ?? []),
    ],
  )
  if (!row) throw new Error('the insert gave no row')
  return toNotebook(row)
}

/** The notebooks of an application. */
export async function listNotebooks(
  db: Queryable,
  applicationId: string,
  query: ListQuery,
): Promise<Page<StoredNotebook>> {
  const source = {
    columns: NOTEBOOK_COLUMNS,
    from: 'notebooks where application_id = $1',
    values: [applicationId],
    sort: {
      name: 'name',
      id: 'id',
      creationDate: 'created_at',
      lastUpdated: 'updated_at',
      lastExecutionRequested: 'last_execution_requested',
    },
    defaultSort: 'name',
  }
  return listPage(db, source, query, toNotebook)
}

const ONE = prepared(`select ${NOTEBOOK_COLUMNS} from notebooks where id = $1 and application_id = $2`)

/** @throws notFound */
export async function getNotebook(db: Queryable, applicationId: string, id: string): Promise<StoredNotebook> {
  const row = await db.one<NotebookRow>(ONE, [id, applicationId])
  if (!row) throw notFound('Notebook')
  return toNotebook(row)
}

/** Changes what is given, leaves the rest. @throws notFound, invalid as `checkFiles` says */
export async function patchNotebook(
  db: Queryable,
  applicationId: string,
  id: string,
  patch: NotebookPatch,
): Promise<StoredNotebook> {
  checkFiles(patch)
  const [row] = await db.query<NotebookRow>(
    `update notebooks set
       name = coalesce($3, name), description = coalesce($4, description), image_version = coalesce($5, image_version),
       inputs = coalesce($6::jsonb, inputs), outputs = coalesce($7::jsonb, outputs), updated_at = now()
     where id = $1 and application_id = $2 returning *`,
    [
      id,
      applicationId,
      patch.name ?? null,
      patch.description ?? null,
      patch.imageVersion ?? null,
      patch.inputs ? JSON.stringify(patch.inputs) : null,
      patch.outputs ? JSON.stringify(patch.outputs) : null,
    ],
  )
  if (!row) throw notFound('Notebook')
  return toNotebook(row)
}

/** Replaces the limits of a notebook, which the caller has checked. @throws notFound */
export async function setLimits(
  db: Queryable,
  applicationId: string,
  id: string,
  limits: NotebookLimits,
): Promise<StoredNotebook> {
  const row = await db.one<NotebookRow>(
    'update notebooks set limits = $3, updated_at = now() where id = $1 and application_id = $2 returning *',
    [id, applicationId, JSON.stringify(limits)],
  )
  if (!row) throw notFound('Notebook')
  return toNotebook(row)
}

/** Deletes the row; executions go with it. The caller has canceled what ran. @throws notFound */
export async function deleteNotebook(db: Queryable, applicationId: string, id: string): Promise<void> {
  const rows = await db.query('delete from notebooks where id = $1 and application_id = $2 returning id', [
    id,
    applicationId,
  ])
  if (rows.length === 0) throw notFound('Notebook')
}

/** Where everything of a notebook's uploads is kept. */
export const notebookBlobs = (id: string) => `notebooks/${id}`

/**
 * Makes an `.ipynb` the notebook's file. Every upload is a blob of its own, so that executions already asked for keep
 * the one they were asked with. The caller has checked that the content is a notebook.
 * @throws notFound
 */
export async function setJupyterFile(
  db: Queryable,
  blobs: Blobs,
  applicationId: string,
  id: string,
  file: { name: string; content: Buffer },
): Promise<StoredNotebook> {
  const blobKey = `${notebookBlobs(id)}/${newId()}.ipynb`
  await blobs.put(blobKey, file.content)
  const [row] = await db.query<NotebookRow>(
    `update notebooks set jupyter_file_name = $3, jupyter_blob_key = $4, updated_at = now()
     where id = $1 and application_id = $2 returning *`,
    [id, applicationId, file.name, blobKey],
  )
  if (row) return toNotebook(row)
  await blobs.delete(blobKey)
  throw notFound('Notebook')
}

/** @throws invalid when two inputs, or two outputs of one type, have one name, or a result is not made yet */
function checkFiles(notebook: NotebookPatch): void {
  const names = new Set<string>()
  for (const [index, input] of (notebook.inputs ?? []).entries()) {
    const field = `notebook.inputs.${index}`
    if (input.fileName === 'context.json') {
      throw invalid(`${field}.fileName "context.json" is taken by the execution's context`)
    }
    if (names.has(input.fileName)) throw invalid(`${field}.fileName "${input.fileName}" is taken by another input`)
    names.add(input.fileName)
  }
  const outputs = new Set<string>()
  for (const [index, output] of (notebook.outputs ?? []).entries()) {
    const field = `notebook.outputs.${index}`
    const key = JSON.stringify(output)
    if (outputs.has(key)) throw invalid(`${field} repeats another output to the letter`)
    outputs.add(key)
  }
}
