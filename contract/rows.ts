/** The rows of data tables. */

import { type Static, Type } from 'typebox'
import { DataTableParams } from './data-tables.ts'
import { route } from './route.ts'
import { DateTime, Key, ObjectId, words } from './shapes.ts'

export const DataTableRow = Type.Intersect([
  Type.Object({ id: ObjectId, createdAt: DateTime, updatedAt: DateTime }),
  Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
])
export type DataTableRow = Static<typeof DataTableRow>

export const listRows = route({
  operation: 'dataTableRows.get',
  method: 'GET',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows',
  summary: 'Gives rows of a data table, by id unless asked otherwise.',
  params: DataTableParams,
  query: Type.Object({
    sortColumn: Type.Optional(Key),
    sortDirection: Type.Optional(words('asc', 'desc', 'ASC', 'DESC')),
    limit: Type.Optional(Type.String({ maxLength: 20 })),
    offset: Type.Optional(Type.String({ maxLength: 20 })),
    includeFields: Type.Optional(Type.Union([Key, Type.Array(Key, { maxItems: 100 })])),
  }),
  reply: Type.Object({
    items: Type.Array(DataTableRow),
    count: Type.Integer(),
    totalCount: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
    sortColumn: Type.String(),
    sortDirection: Type.String(),
    dataTableId: ObjectId,
    applicationId: ObjectId,
  }),
  entity: 'dataTableRows',
})
