/** Notes about `contract/data-tables.ts`. */

import { APPLICATION, CHANGED, MADE, TABLE } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const columns = [
  { name: 'night', dataType: 'string', constraint: 'unique' },
  { name: 'maximum', dataType: 'number', constraint: 'optional' },
]

export const notes: Notes = {
  tag: { name: 'Data tables', description: 'Rows with typed columns, for notebooks and people.' },
  schemas: {
    ColumnType: { is: 'What type the values of a column have.' },
    DataTableColumn: { is: 'A column.', example: columns[1] },
    DataTablePost: { is: 'A data table to be made.', example: { name: 'Nights', columns } },
    DataTablePatch: { is: 'What is to change of a data table.', example: { description: 'One row for each night' } },
    DataTable: {
      is: 'A data table.',
      example: {
        id: TABLE,
        dataTableId: TABLE,
        applicationId: APPLICATION,
        creationDate: MADE,
        lastUpdated: CHANGED,
        name: 'Nights',
        columns,
      },
    },
  },
}
