/** Backfills: one notebook over many windows of time. */

import { cancelBackfill, createBackfill, getBackfill, listBackfills } from '../../../contract/backfills.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as notebooks from '../../catalog/notebooks.ts'
import * as backfills from '../../executions/backfills.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of backfills. */
export function serveBackfills(door: Door, { db, config }: Parts): void {
  const find = async (userId: string, params: { applicationId: string; notebookId: string }) =>
    notebooks.getNotebook(db, await enterApplication(db, userId, params.applicationId), params.notebookId)

  serve(door, createBackfill, async ({ caller, params, body }) => {
    const requester = { sourceType: 'user', sourceId: caller.userId } as const
    const notebook = await find(caller.userId, params)
    return backfills.createBackfill(db, notebook, body, requester, config.limits, new Date())
  })
  serve(door, listBackfills, async ({ caller, params, query }) => {
    const { id, applicationId } = await find(caller.userId, params)
    return { ...(await backfills.listBackfills(db, id, query)), applicationId }
  })
  serve(door, getBackfill, async ({ caller, params }) =>
    backfills.getBackfill(db, (await find(caller.userId, params)).id, params.backfillId),
  )
  serve(door, cancelBackfill, async ({ caller, params }) => ({
    success: true,
    canceled: await backfills.cancelBackfill(db, (await find(caller.userId, params)).id, params.backfillId),
  }))
}
