/** Notes about `contract/rows.ts`. */

import { APPLICATION, MIDNIGHT, ROW, TABLE } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const row = { id: ROW, createdAt: MIDNIGHT, updatedAt: MIDNIGHT, night: '2026-11-25', maximum: -16.2 }
const page = {
  items: [row],
  count: 1,
  totalCount: 1,
  limit: 1000,
  offset: 0,
  sortColumn: 'id',
  sortDirection: 'asc',
  dataTableId: TABLE,
  applicationId: APPLICATION,
  _type: 'dataTableRows',
}
const query = { maximum: { $gt: -15 } }

export const notes: Notes = {
  tag: { name: 'Rows', description: 'The rows of data tables.' },
  schemas: {
    DataTableRow: { is: 'A row: its values by the names of the columns.', example: row },
    SelectedRow: { is: 'A row with the columns that were asked for, all unless there was a choice.', example: row },
    RowValues: { is: 'What a row is to hold.', example: { night: '2026-11-25', maximum: -16.2 } },
    RowsInserted: {
      is: 'What became of several rows.',
      example: { createdAt: MIDNIGHT, count: 1, rowIds: [ROW] },
    },
    RowsPage: { is: 'Some rows of a table.', example: page },
    RowsExport: { is: 'Which rows are to be written.', example: { query, email: 'ada@example.com' } },
  },
  routes: {
    insertRows: {
      request: [{ night: '2026-11-25', maximum: -16.2 }],
      reply: { createdAt: MIDNIGHT, count: 1, rowIds: [ROW] },
    },
    exportRows: {
      errors: {
        429: {
          when: 'The rows of this table were exported not long ago.',
          message: 'A data table can be exported once in 5 minutes; try again in 300 seconds',
        },
      },
    },
    queryRows: { request: query },
    deleteRows: { request: query, reply: { removed: 3 } },
  },
}
