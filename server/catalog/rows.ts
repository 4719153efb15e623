/** Rows of data tables, read back as the API shows them. */

import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { openTable, ROW_FIELDS, rowsOf, type StoredTable } from './data-tables.ts'
import { directionOf, wholeNumber } from './listing.ts'

export interface RowsQuery {
  readonly sortColumn?: string
  readonly sortDirection?: string
  readonly limit?: string
  readonly offset?: string
  readonly includeFields?: string | string[]
}

export interface RowsPage {
  /** Every row with its id, and the fields that were wanted. */
  items: Record<string, unknown>[]
  count: number
  totalCount: number
  limit: number
  offset: number
  sortColumn: string
  sortDirection: string
  dataTableId: string
  applicationId: string
}

const DEFAULT_LIMIT = 1000
const MAX_LIMIT = 10_000
const MAX_OFFSET = 1_000_000_000

/** @throws notFound, and invalid for a column the table does not have */
export async function listRows(
  db: Queryable,
  applicationId: string,
  dataTableId: string,
  query: RowsQuery,
): Promise<RowsPage> {
  const table = await openTable(db, applicationId, dataTableId)
  const sortColumn = query.sortColumn ?? 'id'
  const sortDirection = directionOf(query.sortDirection)
  const limit = wholeNumber(query.limit, DEFAULT_LIMIT, 1, MAX_LIMIT)
  const offset = wholeNumber(query.offset, 0, 0, MAX_OFFSET)
  const sort = columnSql(table, sortColumn, 'sortColumn')
  const total = await db.one<{ count: number }>(`select count(*)::int as count from ${rowsOf(table.id)}`)
  const fields = fieldsOf(table, query.includeFields)
  const rows = await db.query<Record<string, unknown>>(
    `select ${fields.map(({ sql }) => sql).join(', ')} from ${rowsOf(table.id)}
     order by ${sort} ${sortDirection} nulls last, id ${sortDirection} limit ${limit} offset ${offset}`,
  )
  const toItem = (row: Record<string, unknown>) => Object.fromEntries(fields.map(({ name, sql }) => [name, row[sql]]))
  return {
    items: rows.map(toItem),
    count: rows.length,
    totalCount: total?.count ?? 0,
    limit,
    offset,
    sortColumn,
    sortDirection,
    dataTableId: table.id,
    applicationId,
  }
}

/** The SQL of a column by its public name. */
function columnSql(table: StoredTable, name: string, field: string): string {
  if (name === 'id') return 'id'
  if (name === 'createdAt') return 'created_at'
  if (name === 'updatedAt') return 'updated_at'
  const column = table.columns.find((candidate) => candidate.name === name)
  if (!column) throw invalid(`${field} "${name}" is not a column of data table "${table.name}"`)
  return column.stored
}

/** Public names stay out of the SQL: PostgreSQL would cut one that is longer than 63 bytes. */
function fieldsOf(table: StoredTable, included: string | string[] | undefined): { name: string; sql: string }[] {
  const all = [...ROW_FIELDS, ...table.columns.map(({ name }) => name)]
  const wanted = included === undefined ? all : ['id', ...[included].flat().filter((name) => name !== 'id')]
  return wanted.map((name) => ({ name, sql: columnSql(table, name, 'includeFields') }))
}
