/** Backfills: one notebook over many windows of time. */

import { cancelBackfill, createBackfill, getBackfill, listBackfills } from '../../../contract/backfills.ts'
import * as notebooks from '../../catalog/notebooks.ts'
import * as backfills from '../../executions/backfills.ts'
import { requesterOf } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of backfills. */
export function serveBackfills(door: Door, { db, config }: Parts): void {
  const find = (params: { applicationId: string; notebookId: string }) =>
    notebooks.getNotebook(db, params.applicationId, params.notebookId)

  serve(door, createBackfill, async ({ caller, params, body }) => {
    const requester = requesterOf(caller)
    const notebook = await find(params)
    return backfills.createBackfill(db, notebook, body, requester, config.limits, new Date())
  })
  serve(door, listBackfills, async ({ params, query }) => {
    const { id, applicationId } = await find(params)
    return { ...(await backfills.listBackfills(db, id, query)), applicationId }
  })
  serve(door, getBackfill, async ({ params }) => backfills.getBackfill(db, (await find(params)).id, params.backfillId))
  serve(door, cancelBackfill, async ({ params }) => ({
    success: true,
    canceled: await backfills.cancelBackfill(db, (await find(params)).id, params.backfillId),
  }))
}
