/** Data tables: contract routes to the rooms below. */

import * as contract from '../../../contract/data-tables.ts'
import * as tables from '../../catalog/data-tables.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of data tables. */
export function serveDataTables(door: Door, { db }: Parts): void {
  serve(door, contract.createDataTable, async ({ params, body }) =>
    tables.createDataTable(db, params.applicationId, body),
  )
  serve(door, contract.listDataTables, async ({ params, query }) =>
    tables.listDataTables(db, params.applicationId, query),
  )
  serve(door, contract.getDataTable, async ({ params }) =>
    tables.getDataTable(db, params.applicationId, params.dataTableId),
  )
  serve(door, contract.patchDataTable, async ({ params, body }) =>
    tables.patchDataTable(db, params.applicationId, params.dataTableId, body),
  )
  serve(door, contract.deleteDataTable, async ({ params }) => {
    await tables.deleteDataTable(db, params.applicationId, params.dataTableId)
    return { success: true }
  })
  serve(door, contract.addDataTableColumn, async ({ params, body }) =>
    tables.addColumn(db, params.applicationId, params.dataTableId, body),
  )
  serve(door, contract.removeDataTableColumn, async ({ params, query }) =>
    tables.removeColumn(db, params.applicationId, params.dataTableId, query.columnName),
  )
}
