/** Notebooks: their configuration, their file and their limits. Executing them is in `executions.ts`. */

import { requestInputDataExport } from '../../../contract/input-exports.ts'
import { type ExecutionLimits, getLimits, putLimits } from '../../../contract/limits.ts'
import {
  createNotebook,
  deleteNotebook,
  getNotebook,
  listNotebooks,
  type Notebook,
  type NotebookStats,
  patchNotebook,
  uploadNotebook,
} from '../../../contract/notebooks.ts'
import { limitsOf, mostBytes, requireNotebookPlace } from '../../catalog/application-limits.ts'
import { checkLimits, effectiveLimits, executionLimits } from '../../catalog/limits.ts'
import * as notebooks from '../../catalog/notebooks.ts'
import { requestInputExport } from '../../executions/input-export.ts'
import { removeNotebook } from '../../executions/remove.ts'
import { minuteCounts, readStats, readWithStats } from '../../executions/usage.ts'
import { NOTEBOOK_LIMITS, parseNotebook } from '../../kernel/notebook.ts'
import { askedBy } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of notebooks. */
export function serveNotebooks(door: Door, { db, blobs, jobs, config, languages, linkFile }: Parts): void {
  const find = (params: { applicationId: string; notebookId: string }) =>
    notebooks.getNotebook(db, params.applicationId, params.notebookId)

  const show = (notebook: notebooks.StoredNotebook, stats: NotebookStats, baseUrl: string, now: Date): Notebook => ({
    ...toNotebook(notebook),
    ...(notebook.jupyterFile
      ? {
          jupyterFileName: notebook.jupyterFile.name,
          jupyterFileUrl: linkFile(baseUrl, notebook.jupyterFile.blobKey, `${notebook.name}.ipynb`, now),
        }
      : {}),
    stats,
  })
  const present = async (stored: readonly notebooks.StoredNotebook[], baseUrl: string): Promise<Notebook[]> => {
    const now = new Date()
    const statsOf = await readStats(
      db,
      stored.map(({ id }) => id),
      now,
    )
    return stored.map((notebook) => show(notebook, statsOf(notebook.id), baseUrl, now))
  }
  const presentOne = async (stored: notebooks.StoredNotebook, baseUrl: string) => (await present([stored], baseUrl))[0]

  serve(door, createNotebook, async ({ params, body, baseUrl }) => {
    const { applicationId } = params
    const made = await db.transaction(async (tx) => {
      await requireNotebookPlace(tx, applicationId, config.limits)
      return notebooks.createNotebook(tx, applicationId, body)
    })
    return presentOne(made, baseUrl)
  })
  serve(door, listNotebooks, async ({ params, query, baseUrl }) => {
    const { applicationId } = params
    const page = await notebooks.listNotebooks(db, applicationId, query)
    return { ...page, items: await present(page.items, baseUrl), applicationId }
  })
  serve(door, getNotebook, async ({ params, query, baseUrl }) => {
    const now = new Date()
    const { notebook, stats } = await readWithStats(db, params.applicationId, params.notebookId, now)
    if (query.start || query.end) return minuteCounts(db, { notebookId: notebook.id }, query, now)
    return show(notebook, stats, baseUrl, now)
  })
  serve(door, patchNotebook, async ({ params, body, baseUrl }) => {
    const { applicationId } = params
    return presentOne(await notebooks.patchNotebook(db, applicationId, params.notebookId, body), baseUrl)
  })
  serve(door, deleteNotebook, async ({ params }) => {
    await removeNotebook(db, blobs, await find(params))
    return { success: true }
  })
  serve(door, uploadNotebook, async ({ params, file, baseUrl }) => {
    const { id, applicationId } = await find(params)
    const most = await mostBytes(db, applicationId, 'notebookBytes', config.limits)
    const { name, content } = await file(most)
    parseNotebook(content, { ...NOTEBOOK_LIMITS, maxBytes: most.bytes }, await languages())
    return presentOne(await notebooks.setJupyterFile(db, blobs, applicationId, id, { name, content }), baseUrl)
  })
  serve(door, requestInputDataExport, async (call) => {
    const notebook = await find(call.params)
    const intervalMs = config.jobs.inputExportIntervalMs
    return requestInputExport(db, jobs, { notebook, options: call.body, intervalMs, ...askedBy(call) }, new Date())
  })

  const tellLimits = ({ limits }: notebooks.StoredNotebook, ofApplication: ExecutionLimits) => ({
    limits,
    effective: effectiveLimits(limits, ofApplication),
    application: ofApplication,
    installation: executionLimits(config.limits),
  })
  const limitsIn = async (applicationId: string) => executionLimits(await limitsOf(db, applicationId, config.limits))
  serve(door, getLimits, async ({ params }) => {
    const notebook = await find(params)
    return tellLimits(notebook, await limitsIn(notebook.applicationId))
  })
  serve(door, putLimits, async ({ params, body }) => {
    const { applicationId } = params
    const above = await limitsIn(applicationId)
    checkLimits(body, above)
    return tellLimits(await notebooks.setLimits(db, applicationId, params.notebookId, body), above)
  })
}

const toNotebook = (stored: notebooks.StoredNotebook) => ({
  id: stored.id,
  notebookId: stored.id,
  applicationId: stored.applicationId,
  creationDate: stored.createdAt.toISOString(),
  lastUpdated: stored.updatedAt.toISOString(),
  name: stored.name,
  ...(stored.description === undefined ? {} : { description: stored.description }),
  imageVersion: stored.imageVersion,
  inputs: stored.inputs,
  outputs: stored.outputs,
})
