/** Data tables: contract routes to the rooms below. */

import * as contract from '../../../contract/data-tables.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as tables from '../../catalog/data-tables.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of data tables. */
export function serveDataTables(door: Door, { db }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)

  serve(door, contract.createDataTable, async ({ caller, params, body }) =>
    tables.createDataTable(db, await enter(caller.userId, params.applicationId), body),
  )
  serve(door, contract.listDataTables, async ({ caller, params, query }) =>
    tables.listDataTables(db, await enter(caller.userId, params.applicationId), query),
  )
  serve(door, contract.getDataTable, async ({ caller, params }) =>
    tables.getDataTable(db, await enter(caller.userId, params.applicationId), params.dataTableId),
  )
  serve(door, contract.patchDataTable, async ({ caller, params, body }) =>
    tables.patchDataTable(db, await enter(caller.userId, params.applicationId), params.dataTableId, body),
  )
  serve(door, contract.deleteDataTable, async ({ caller, params }) => {
    await tables.deleteDataTable(db, await enter(caller.userId, params.applicationId), params.dataTableId)
    return { success: true }
  })
  serve(door, contract.addDataTableColumn, async ({ caller, params, body }) =>
    tables.addColumn(db, await enter(caller.userId, params.applicationId), params.dataTableId, body),
  )
  serve(door, contract.removeDataTableColumn, async ({ caller, params, query }) =>
    tables.removeColumn(db, await enter(caller.userId, params.applicationId), params.dataTableId, query.columnName),
  )
}
