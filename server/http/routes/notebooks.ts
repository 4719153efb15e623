/** Notebooks and their executions, in both spellings of the published document. */

import {
  cancelExecution,
  cancelExecutionFolded,
  executeNotebook,
  getExecution,
  getLogs,
  getMinuteCounts,
} from '../../../contract/executions.ts'
import {
  createNotebook,
  deleteNotebook,
  getNotebook,
  listNotebooks,
  type Notebook,
  patchNotebook,
  uploadNotebook,
} from '../../../contract/notebooks.ts'
import { enterApplication } from '../../catalog/applications.ts'
import { wholeNumber } from '../../catalog/listing.ts'
import * as notebooks from '../../catalog/notebooks.ts'
import { toLog } from '../../executions/record.ts'
import { removeNotebook } from '../../executions/remove.ts'
import { requestExecution } from '../../executions/request.ts'
import * as executions from '../../executions/store.ts'
import { minuteCounts, readStats } from '../../executions/usage.ts'
import { invalid } from '../../ground/errors.ts'
import { parseMoment } from '../../ground/moments.ts'
import { NOTEBOOK_LIMITS, parseNotebook } from '../../kernel/notebook.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

const MAX_LOGS = 1000

/** Registers the routes of notebooks, and of executing them. */
export function serveNotebooks(door: Door, { db, blobs, config, linkFile }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)
  const find = async (userId: string, params: { applicationId: string; notebookId: string }) =>
    notebooks.getNotebook(db, await enter(userId, params.applicationId), params.notebookId)

  const present = async (stored: readonly notebooks.StoredNotebook[], baseUrl: string): Promise<Notebook[]> => {
    const now = new Date()
    const statsOf = await readStats(
      db,
      stored.map(({ id }) => id),
      now,
    )
    return stored.map((notebook) => ({
      ...toNotebook(notebook),
      ...(notebook.jupyterFile
        ? {
            jupyterFileName: notebook.jupyterFile.name,
            jupyterFileUrl: linkFile(baseUrl, notebook.jupyterFile.blobKey, `${notebook.name}.ipynb`, now),
          }
        : {}),
      stats: statsOf(notebook.id),
    }))
  }
  const presentOne = async (stored: notebooks.StoredNotebook, baseUrl: string) => (await present([stored], baseUrl))[0]
  const log = (baseUrl: string) => (execution: Parameters<typeof toLog>[0]) =>
    toLog(execution, (file, name, from) => linkFile(baseUrl, file.key, name, from))

  serve(door, createNotebook, async ({ caller, params, body, baseUrl }) =>
    presentOne(await notebooks.createNotebook(db, await enter(caller.userId, params.applicationId), body), baseUrl),
  )
  serve(door, listNotebooks, async ({ caller, params, query, baseUrl }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    const page = await notebooks.listNotebooks(db, applicationId, query)
    return { ...page, items: await present(page.items, baseUrl), applicationId }
  })
  serve(door, getNotebook, async ({ caller, params, query, baseUrl }) => {
    const notebook = await find(caller.userId, params)
    if (query.start || query.end) return minuteCounts(db, notebook.id, query, new Date())
    return presentOne(notebook, baseUrl)
  })
  serve(door, patchNotebook, async ({ caller, params, body, baseUrl }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    return presentOne(await notebooks.patchNotebook(db, applicationId, params.notebookId, body), baseUrl)
  })
  serve(door, deleteNotebook, async ({ caller, params }) => {
    await removeNotebook(db, blobs, await find(caller.userId, params))
    return { success: true }
  })
  serve(door, uploadNotebook, async ({ caller, params, file, baseUrl }) => {
    const { id, applicationId } = await find(caller.userId, params)
    const { name, content } = await file()
    parseNotebook(content, { ...NOTEBOOK_LIMITS, maxBytes: config.http.notebookBytes })
    return presentOne(await notebooks.setJupyterFile(db, blobs, applicationId, id, { name, content }), baseUrl)
  })

  serve(door, executeNotebook, async ({ caller, params, body }) => {
    const requester = { sourceType: 'user', sourceId: caller.userId } as const
    const limits = { runMinutes: config.worker.runMinutes }
    const notebook = await find(caller.userId, params)
    return { success: true, executionId: await requestExecution(db, notebook, body, requester, limits, new Date()) }
  })
  for (const spelling of [cancelExecution, cancelExecutionFolded]) {
    serve(door, spelling, async ({ caller, params, query }) => {
      const notebook = await find(caller.userId, params)
      await executions.cancelExecution(db, notebook.id, query.executionId.toLowerCase())
      return { success: true }
    })
  }
  serve(door, getLogs, async ({ caller, params, query, baseUrl }) => {
    const notebook = await find(caller.userId, params)
    const since = query.since ? parseMoment(query.since, new Date()) : undefined
    if (query.since && !since) throw invalid('since must be a time in milliseconds since 1970')
    const limit = wholeNumber(query.limit, 1, 1, MAX_LOGS)
    return (await executions.listExecutions(db, notebook.id, limit, since)).map(log(baseUrl))
  })
  serve(door, getExecution, async ({ caller, params, baseUrl }) => {
    const notebook = await find(caller.userId, params)
    const execution = await executions.getExecution(db, notebook.id, params.executionId)
    const { progress, ranOn } = execution
    return { ...log(baseUrl)(execution), progress, ...(ranOn ? { ranOn } : {}) }
  })
  serve(door, getMinuteCounts, async ({ caller, params, query }) =>
    minuteCounts(db, (await find(caller.userId, params)).id, query, new Date()),
  )
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
