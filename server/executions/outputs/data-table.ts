/** Output dataTable: a CSV file into a data table. */

import type { DataTableOutput } from '../../../contract/notebook-files.ts'
import { importCsv } from '../../catalog/csv-import.ts'
import { openTable } from '../../catalog/data-tables.ts'
import { invalid } from '../../ground/errors.ts'
import { isId } from '../../ground/ids.ts'
import { renderTemplate, type TemplateContext } from '../../templates/render.ts'
import type { Store } from './output.ts'
import { shownList } from './shown-list.ts'

/** The id of the table, which a template may have made. @throws invalid */
export function tableOf(output: DataTableOutput, context: TemplateContext): string {
  const id = renderTemplate(output.dataTableId, context)
  if (!isId(id)) throw invalid(`dataTableId renders to "${id}", which is not the id of a data table`)
  return id.toLowerCase()
}

export const storeDataTable: Store<DataTableOutput> = async (output, file, storing) => {
  if (file.path === undefined) throw new Error('a data table is filled from a file of OUTPUT_DIR')
  const { tx, applicationId, context, signal } = storing
  const table = await openTable(tx, applicationId, tableOf(output, context), { lock: true })
  const { ignoredColumns } = await importCsv(tx, table, {
    file: file.path,
    createMissingColumns: output.createMissingColumns ?? false,
    truncate: output.truncateExistingTable ?? false,
    signal,
  })
  const count = ignoredColumns.length
  if (count === 0) return
  const what = count === 1 ? 'One column of the file is' : `${count} columns of the file are`
  storing.warn(`${what} not in data table "${table.name}", and ignored: ${shownList(ignoredColumns)}`)
}
