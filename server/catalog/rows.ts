/** Rows of data tables, read back as the API shows them. */

import type { DataTableRow } from '../../contract/rows.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { shorten } from '../ground/shorten.ts'
import type { QueryFields } from '../query/fields.ts'
import { translateQuery } from '../query/translate.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { ROW_FIELDS, rowsOf, type StoredTable } from './columns.ts'
import { readTable } from './data-tables.ts'
import { directionOf, wholeNumber } from './listing.ts'

export interface RowsQuery {
  readonly sortColumn?: string
  readonly sortDirection?: string
  readonly limit?: string
  readonly offset?: string
  /** Names, or one text of names with commas between them. */
  readonly includeFields?: string | readonly string[]
}

export interface RowsPage {
  /** Every row with its id, and the fields that were wanted. */
  items: DataTableRow[]
  count: number
  totalCount: number
  limit: number
  offset: number
  sortColumn: string
  sortDirection: string
  dataTableId: string
  applicationId: string
  query?: object
}

const DEFAULT_LIMIT = 1000
const MAX_LIMIT = 10_000
const MAX_OFFSET = 1_000_000_000

/** The rows that match a query; without one, all. @throws notFound, and invalid for a column the table does not have */
export async function listRows(
  db: Database,
  applicationId: string,
  dataTableId: string,
  wanted: RowsQuery,
  query?: object,
): Promise<RowsPage> {
  return readTable(db, applicationId, dataTableId, async (tx, table) => {
    const values: unknown[] = []
    const from = `${rowsOf(table.id)} where ${translateQuery(query ?? {}, rowFields(table), values)}`
    const sortColumn = wanted.sortColumn || 'id'
    const sortDirection = directionOf(wanted.sortDirection)
    const limit = wholeNumber(wanted.limit, DEFAULT_LIMIT, 0, MAX_LIMIT)
    const offset = wholeNumber(wanted.offset, 0, 0, MAX_OFFSET)
    const order = orderOf(table, sortColumn, sortDirection)
    const fields = fieldsOf(table, wanted.includeFields)
    const total = await tx.one<{ count: number }>(`select count(*)::int as count from ${from}`, values)
    const rows = await tx.query<Record<string, unknown>>(
      `select ${fields.map(({ sql }) => sql).join(', ')} from ${from} ${order} limit ${limit} offset ${offset}`,
      values,
    )
    return {
      items: rows.map((row) => toRow(fields, row)),
      count: rows.length,
      totalCount: total?.count ?? 0,
      limit,
      offset,
      sortColumn,
      sortDirection,
      dataTableId: table.id,
      applicationId,
      ...(query === undefined ? {} : { query }),
    }
  })
}

/** One row within the caller's transaction. @throws notFound */
export async function selectRow(tx: Queryable, table: StoredTable, rowId: string): Promise<DataTableRow> {
  const fields = fieldsOf(table, undefined)
  const row = await tx.one<Record<string, unknown>>(
    `select ${fields.map(({ sql }) => sql).join(', ')} from ${rowsOf(table.id)} where id = $1`,
    [rowId],
  )
  if (!row) throw notFound('Data table row')
  return toRow(fields, row)
}

/** What a query of rows may ask about: the columns, and what every row has by itself. */
export function rowFields(table: StoredTable): QueryFields {
  const columns = new Map(table.columns.map((column) => [column.name, column]))
  const find: QueryFields = (name) => {
    if (name === 'id') return { sql: 'id', type: 'string' }
    if (name === 'createdAt') return { sql: 'created_at', type: 'time' }
    if (name === 'updatedAt') return { sql: 'updated_at', type: 'time' }
    const column = columns.get(name)
    return column && { sql: column.stored, type: column.dataType }
  }
  return Object.assign(find, { names: [...ROW_FIELDS, ...columns.keys()] })
}

/**
 * `order by` for a column, rows with the same value by their id. Text is ordered by code point, as queries compare it.
 * @throws invalid for a column the table does not have
 */
export function orderOf(
  table: StoredTable,
  sortColumn: string,
  direction: 'asc' | 'desc',
  field = 'sortColumn',
): string {
  const sql = columnSql(table, sortColumn, field)
  if (sql === 'id') return `order by id ${direction}`
  const isText = table.columns.some(({ name, dataType }) => name === sortColumn && dataType === 'string')
  return `order by ${sql}${isText ? ' collate "C"' : ''} ${direction} nulls last, id ${direction}`
}

interface Field {
  readonly name: string
  readonly sql: string
}

/** The SQL of a column by its public name. */
function columnSql(table: StoredTable, name: string, field: string): string {
  if (name === 'id') return 'id'
  if (name === 'createdAt') return 'created_at'
  if (name === 'updatedAt') return 'updated_at'
  const column = table.columns.find((candidate) => candidate.name === name)
  if (!column) throw invalid(`${field} "${shorten(name)}" is not a column of data table "${table.name}"`)
  return column.stored
}

/** Public names stay out of the SQL: PostgreSQL would cut one that is longer than 63 bytes. */
function fieldsOf(table: StoredTable, included: string | readonly string[] | undefined): Field[] {
  const all = [...ROW_FIELDS, ...table.columns.map(({ name }) => name)]
  const named = [included ?? []].flat().flatMap((names) => names.split(',').map((name) => name.trim()))
  const asked = new Set(named.filter((name) => name !== ''))
  const wanted = asked.size === 0 ? all : ['id', ...[...asked].filter((name) => name !== 'id')]
  return wanted.map((name) => ({ name, sql: columnSql(table, name, 'includeFields') }))
}

function toRow(fields: readonly Field[], row: Readonly<Record<string, unknown>>): DataTableRow {
  const values = fields.map(({ name, sql }) => [name, row[sql] instanceof Date ? row[sql].toISOString() : row[sql]])
  // The columns were selected just above: text, numbers, booleans and nulls, and the two times as text.
  return Object.fromEntries(values) as DataTableRow
}
