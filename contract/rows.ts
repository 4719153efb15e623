/** The rows of data tables. */

import { type Static, Type } from 'typebox'
import { DataTableParams } from './data-tables.ts'
import { JobQueued } from './job-logs.ts'
import { route } from './route.ts'
import { closed, DateTime, Email, Key, ObjectId, Success, Text, Url, words } from './shapes.ts'

const Value = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], {
  description: 'text, a number, a boolean or null',
})

export const DataTableRow = Type.Intersect([
  Type.Object({ id: ObjectId, createdAt: DateTime, updatedAt: DateTime }),
  Type.Record(Type.String(), Value),
])
export type DataTableRow = Static<typeof DataTableRow>

/** A row of a list that says which columns it wants. */
export const SelectedRow = Type.Intersect([
  Type.Object({ id: ObjectId, createdAt: Type.Optional(DateTime), updatedAt: Type.Optional(DateTime) }),
  Type.Record(Type.String(), Value),
])

/** What a row is to hold, by the names of its columns. */
export const RowValues = Type.Record(Type.String({ pattern: '^[0-9a-zA-Z_-]{1,255}$' }), Value, {
  ...closed,
  description: 'names of 1 to 255 letters, digits, "_" or "-"',
})
export type RowValues = Static<typeof RowValues>

/** Rows that one request may insert (the published schema's limit of the answer). */
export const MAX_INSERTED = 1000

export const RowsInserted = Type.Object({
  createdAt: DateTime,
  count: Type.Integer({ minimum: 0 }),
  rowIds: Type.Array(ObjectId, { maxItems: MAX_INSERTED }),
})
export type RowsInserted = Static<typeof RowsInserted>

/** What is asked of rows; `server/query` checks it. */
const RowsQuery = Type.Object({})

const RowParams = Type.Object({ ...DataTableParams.properties, rowId: ObjectId })

const Count = Type.String({ maxLength: 20 })

/** Empty is as good as absent. */
const SortColumn = Type.String({
  pattern: '^[0-9a-zA-Z_-]{0,255}$',
  description: '1 to 255 letters, digits, "_" or "-"',
})

const page = {
  sortColumn: Type.Optional(SortColumn),
  sortDirection: Type.Optional(words('asc', 'desc', 'ASC', 'DESC', '')),
  limit: Type.Optional(Count),
  offset: Type.Optional(Count),
  includeFields: Type.Optional(Type.Union([Type.String({ maxLength: 16_384 }), Type.Array(Key, { maxItems: 100 })])),
}

export const RowsPage = Type.Object({
  items: Type.Array(SelectedRow),
  count: Type.Integer({ minimum: 0 }),
  totalCount: Type.Integer({ minimum: 0 }),
  limit: Type.Integer({ minimum: 0 }),
  offset: Type.Integer({ minimum: 0 }),
  sortColumn: Text,
  sortDirection: words('asc', 'desc'),
  dataTableId: ObjectId,
  applicationId: ObjectId,
  query: Type.Optional(RowsQuery),
})

export const listRows = route({
  operation: 'dataTableRows.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows',
  summary: 'Gives rows of a data table, by id unless asked otherwise.',
  params: DataTableParams,
  query: Type.Object(page),
  reply: RowsPage,
  entity: 'dataTableRows',
})

export const insertRows = route({
  operation: 'dataTableRows.post',
  method: 'POST',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows',
  summary: 'Inserts a row, or up to a thousand at once: all of them or none.',
  params: DataTableParams,
  body: {
    name: 'dataTableRow',
    schema: Type.Union([RowValues, Type.Array(RowValues, { maxItems: MAX_INSERTED })]),
  },
  status: 201,
  reply: Type.Union([DataTableRow, RowsInserted]),
})

export const queryRows = route({
  operation: 'dataTableRows.query',
  grants: { reads: true },
  method: 'POST',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/query',
  summary: 'Gives the rows that match a query.',
  params: DataTableParams,
  query: Type.Object(page),
  body: { name: 'query', schema: RowsQuery, optional: true },
  reply: RowsPage,
  entity: 'dataTableRows',
})

export const deleteRows = route({
  operation: 'dataTableRows.delete',
  method: 'POST',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/delete',
  summary: 'Deletes rows that match a query, the oldest first.',
  params: DataTableParams,
  query: Type.Object({ limit: Type.Optional(Count) }),
  body: { name: 'query', schema: RowsQuery, optional: true },
  reply: Type.Object({ removed: Type.Integer({ minimum: 0 }) }),
})

export const truncateRows = route({
  operation: 'dataTableRows.truncate',
  method: 'POST',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/truncate',
  summary: 'Removes every row.',
  params: DataTableParams,
  reply: Success,
})

export const RowsExport = Type.Object(
  {
    email: Type.Optional(Email),
    callbackUrl: Type.Optional(Url),
    query: Type.Optional(RowsQuery),
    queryOptions: Type.Optional(
      Type.Object({
        sortColumn: Type.Optional(Type.String({ maxLength: 255 })),
        sortDirection: Type.Optional(words('asc', 'desc', 'ASC', 'DESC', '')),
        limit: Type.Optional(Type.Number()),
        offset: Type.Optional(Type.Number()),
      }),
    ),
  },
  closed,
)
export type RowsExport = Static<typeof RowsExport>

export const exportRows = route({
  operation: 'dataTableRows.export',
  grants: { reads: true },
  method: 'POST',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/export',
  summary: 'Writes rows to a CSV file, told by mail, callback and the log of the job.',
  params: DataTableParams,
  body: { name: 'exportData', schema: RowsExport },
  status: 202,
  reply: JobQueued,
})

export const getRow = route({
  operation: 'dataTableRow.get',
  method: 'GET',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/:rowId',
  summary: 'Gives one row.',
  params: RowParams,
  reply: DataTableRow,
})

export const patchRow = route({
  operation: 'dataTableRow.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/:rowId',
  summary: 'Changes the named columns of a row.',
  params: RowParams,
  body: { name: 'dataTableRow', schema: RowValues },
  reply: DataTableRow,
})

export const deleteRow = route({
  operation: 'dataTableRow.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/data-tables/:dataTableId/rows/:rowId',
  summary: 'Deletes one row.',
  params: RowParams,
  reply: Success,
})
