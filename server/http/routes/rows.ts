/** Rows of data tables: contract routes to the rooms below. */

import * as contract from '../../../contract/rows.ts'
import { requestRowsExport } from '../../catalog/row-jobs.ts'
import * as writes from '../../catalog/row-writes.ts'
import { listRows } from '../../catalog/rows.ts'
import { askedBy } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { type Call, type Door, serve } from '../serve.ts'

/** Registers the routes of rows. */
export function serveRows(door: Door, { db, jobs, config }: Parts): void {
  const tableOf = ({ params }: Pick<Call<typeof contract.listRows>, 'params'>) =>
    [db, params.applicationId, params.dataTableId] as const

  serve(door, contract.listRows, async (call) => listRows(...tableOf(call), call.query))
  serve(door, contract.queryRows, async (call) => listRows(...tableOf(call), call.query, call.body))
  serve(door, contract.insertRows, async (call) => {
    const { body } = call
    const table = tableOf(call)
    return Array.isArray(body) ? writes.insertRows(...table, body) : writes.insertRow(...table, body)
  })
  serve(door, contract.deleteRows, async (call) => writes.deleteRows(...tableOf(call), call.body, call.query.limit))
  serve(door, contract.truncateRows, async (call) => {
    await writes.truncateRows(...tableOf(call))
    return { success: true }
  })
  serve(door, contract.exportRows, async (call) => {
    const { applicationId, dataTableId } = call.params
    return requestRowsExport(db, jobs, {
      applicationId,
      dataTableId,
      options: call.body,
      ...askedBy(call),
      intervalMs: config.jobs.rowsExportIntervalMs,
    })
  })
  serve(door, contract.getRow, async (call) => writes.getRow(...tableOf(call), call.params.rowId))
  serve(door, contract.patchRow, async (call) => writes.patchRow(...tableOf(call), call.params.rowId, call.body))
  serve(door, contract.deleteRow, async (call) => {
    await writes.deleteRow(...tableOf(call), call.params.rowId)
    return { success: true }
  })
}
