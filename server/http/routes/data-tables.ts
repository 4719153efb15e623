/** Data tables and their rows: contract routes to the rooms below. */

import { createDataTable, getDataTable, listDataTables } from '../../../contract/data-tables.ts'
import { listRows } from '../../../contract/rows.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as tables from '../../catalog/data-tables.ts'
import { listRows as rowsOfTable } from '../../catalog/rows.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of data tables and their rows. */
export function serveDataTables(door: Door, { db }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)

  serve(door, createDataTable, async ({ caller, params, body }) =>
    tables.createDataTable(db, await enter(caller.userId, params.applicationId), body),
  )
  serve(door, listDataTables, async ({ caller, params, query }) =>
    tables.listDataTables(db, await enter(caller.userId, params.applicationId), query),
  )
  serve(door, getDataTable, async ({ caller, params }) =>
    tables.getDataTable(db, await enter(caller.userId, params.applicationId), params.dataTableId),
  )
  serve(door, listRows, async ({ caller, params, query }) =>
    rowsOfTable(db, await enter(caller.userId, params.applicationId), params.dataTableId, query),
  )
}
