/** Output dataTable: a CSV file into a data table. */

import type { DataTableOutput } from '../../../contract/notebook-files.ts'
import { importCsv } from '../../catalog/csv-import.ts'
import { openTable } from '../../catalog/data-tables.ts'
import { invalid } from '../../ground/errors.ts'
import { isId } from '../../ground/ids.ts'
import { renderTemplate } from '../../templates/render.ts'
import type { Store } from './output.ts'

export const storeDataTable: Store<DataTableOutput> = async (output, file, { tx, applicationId, context, signal }) => {
  if (file.path === undefined) throw new Error('a data table is filled from a file of OUTPUT_DIR')
  const id = renderTemplate(output.dataTableId, context)
  if (!isId(id)) throw invalid(`dataTableId renders to "${id}", which is not the id of a data table`)
  const table = await openTable(tx, applicationId, id.toLowerCase(), { lock: true })
  await importCsv(tx, table, {
    file: file.path,
    createMissingColumns: output.createMissingColumns ?? false,
    truncate: output.truncateExistingTable ?? false,
    signal,
  })
}
