/** Data tables: their names and columns. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { closed, DateTime, Description, Key, listQuery, listReply, Name, ObjectId, Success, words } from './shapes.ts'

export const DataTableParams = Type.Object({ applicationId: ObjectId, dataTableId: ObjectId })

export const ColumnType = words('string', 'number', 'boolean')
export type ColumnType = Static<typeof ColumnType>

export const DataTableColumn = Type.Object(
  {
    name: Key,
    dataType: ColumnType,
    constraint: words('unique', 'required', 'optional'),
    defaultValue: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  },
  closed,
)
export type DataTableColumn = Static<typeof DataTableColumn>

/** Columns a table may have in all (the published schema's limit). */
export const MAX_COLUMNS = 50

export const DataTablePost = Type.Object(
  {
    name: Name,
    description: Type.Optional(Description),
    columns: Type.Optional(Type.Array(DataTableColumn, { maxItems: MAX_COLUMNS })),
  },
  closed,
)
export type DataTablePost = Static<typeof DataTablePost>

export const DataTablePatch = Type.Object(
  { name: Type.Optional(Name), description: Type.Optional(Description) },
  closed,
)
export type DataTablePatch = Static<typeof DataTablePatch>

export const DataTable = Type.Object({
  id: ObjectId,
  dataTableId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  name: Name,
  description: Type.Optional(Description),
  columns: Type.Array(DataTableColumn),
})
export type DataTable = Static<typeof DataTable>

export const createDataTable = route({
  operation: 'dataTables.post',
  method: 'POST',
  path: '/applications/:applicationId/data-tables',
  summary: 'Creates a data table.',
  params: ApplicationParams,
  body: { name: 'dataTable', schema: DataTablePost },
  status: 201,
  reply: DataTable,
  entity: 'dataTable',
})

export const listDataTables = route({
  operation: 'dataTables.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/data-tables',
  summary: 'Lists the data tables of an application.',
  params: ApplicationParams,
  query: listQuery(['name', 'id', 'creationDate', 'lastUpdated'], ['name']),
  reply: listReply(DataTable),
  entity: 'dataTables',
})

export const getDataTable = route({
  operation: 'dataTable.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/data-tables/:dataTableId',
  summary: 'Gives one data table.',
  params: DataTableParams,
  reply: DataTable,
  entity: 'dataTable',
})

export const patchDataTable = route({
  operation: 'dataTable.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/data-tables/:dataTableId',
  summary: 'Changes name or description of a data table.',
  params: DataTableParams,
  body: { name: 'dataTable', schema: DataTablePatch },
  reply: DataTable,
  entity: 'dataTable',
})

export const deleteDataTable = route({
  operation: 'dataTable.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/data-tables/:dataTableId',
  summary: 'Deletes a data table and its rows.',
  params: DataTableParams,
  reply: Success,
})

export const addDataTableColumn = route({
  operation: 'dataTable.addColumn',
  method: 'POST',
  path: '/applications/:applicationId/data-tables/:dataTableId/column',
  summary: 'Adds a column; rows that are there already have null in it.',
  params: DataTableParams,
  body: { name: 'dataTableColumn', schema: DataTableColumn },
  reply: DataTable,
  entity: 'dataTable',
})

export const removeDataTableColumn = route({
  operation: 'dataTable.removeColumn',
  method: 'DELETE',
  path: '/applications/:applicationId/data-tables/:dataTableId/column',
  summary: 'Removes a column with what it holds.',
  params: DataTableParams,
  query: Type.Object({ columnName: Key }),
  reply: DataTable,
  entity: 'dataTable',
})
