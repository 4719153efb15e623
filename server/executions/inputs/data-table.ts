/** Input dataTable: rows of a data table as CSV, all of them or those a query asks for. */

import type { ColumnType } from '../../../contract/data-tables.ts'
import type { DataTableInput } from '../../../contract/notebook-files.ts'
import { exportRows } from '../../catalog/rows-export.ts'
import { invalid } from '../../ground/errors.ts'
import { isId } from '../../ground/ids.ts'
import { parseQueryJson } from '../../query/parse.ts'
import { renderTemplate } from '../../templates/render.ts'
import { QUERY_PATH } from './chosen-devices.ts'
import { type Column, type GatherTable, text } from './input.ts'

const TYPES: Record<ColumnType, Column['type']> = { string: 'text', number: 'number', boolean: 'boolean' }

export const gatherDataTable: GatherTable<DataTableInput> = async (input, file, staging) => {
  const { db, applicationId, context, signal } = staging
  const dataTableId = renderTemplate(input.dataTableId, context).toLowerCase()
  if (!isId(dataTableId)) {
    throw invalid(
      `dataTableId: "${input.dataTableId}" renders to "${dataTableId}", which is not the id of a data table`,
    )
  }
  const query = parseQueryJson(renderTemplate(input.queryJson ?? '', context), QUERY_PATH)
  const paths = { query: QUERY_PATH, options: '' }
  const columns = await staging.inTurn(() =>
    exportRows(db, { applicationId, dataTableId }, { query }, file, signal, paths),
  )
  return [
    ...['id', 'createdAt', 'updatedAt'].map(text),
    ...columns.map(({ name, dataType }) => ({ name, type: TYPES[dataType] })),
  ]
}
