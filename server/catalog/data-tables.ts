/** The catalogue of data tables. The rows of each live in a real table of PostgreSQL; see `rows.ts`. */

import {
  type ColumnType,
  type DataTable,
  type DataTableColumn,
  type DataTablePost,
  MAX_COLUMNS,
} from '../../contract/data-tables.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/** A column together with the name it has in PostgreSQL (`c1`, `c2`, …). */
export type StoredColumn = DataTableColumn & { readonly stored: string }

interface DataTableRow {
  id: string
  application_id: string
  name: string
  description: string | null
  columns: StoredColumn[]
  next_column: number
  created_at: Date
  updated_at: Date
}

/** A data table with what is needed to reach its rows. */
export interface StoredTable {
  readonly id: string
  readonly applicationId: string
  readonly name: string
  readonly columns: readonly StoredColumn[]
}

/** Names that every row has by itself. */
export const ROW_FIELDS = ['id', 'createdAt', 'updatedAt']

const SQL_TYPE: Record<ColumnType, string> = { string: 'text', number: 'double precision', boolean: 'boolean' }

const toDataTable = (row: DataTableRow): DataTable => ({
  id: row.id,
  dataTableId: row.id,
  applicationId: row.application_id,
  creationDate: row.created_at.toISOString(),
  lastUpdated: row.updated_at.toISOString(),
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  columns: row.columns.map(({ stored: _, ...column }) => column),
})

/** The table that holds the rows; the id is our own, 24 hexadecimal digits. */
export const rowsOf = (tableId: string) => `"rows"."t_${tableId}"`

/** @throws invalid when a column's name is taken or reserved, or its default has another type */
export async function createDataTable(db: Database, applicationId: string, post: DataTablePost): Promise<DataTable> {
  const columns = post.columns ?? []
  checkColumns(columns)
  const stored = columns.map((column, index) => ({ ...column, stored: `c${index + 1}` }))
  const id = newId()
  return db.transaction(async (tx) => {
    const [row] = await tx.query<DataTableRow>(
      `insert into data_tables (id, application_id, name, description, columns, next_column)
       values ($1, $2, $3, $4, $5, $6) returning *`,
      [id, applicationId, post.name, post.description ?? null, JSON.stringify(stored), stored.length + 1],
    )
    await tx.query(`create table ${rowsOf(id)} (
      id text primary key, created_at timestamptz not null default now(), updated_at timestamptz not null default now()
    )`)
    for (const column of stored) await addStoredColumn(tx, id, column)
    if (!row) throw new Error('the insert gave no row')
    return toDataTable(row)
  })
}

/** The data tables of an application. */
export async function listDataTables(db: Queryable, applicationId: string, query: ListQuery): Promise<Page<DataTable>> {
  const source = {
    from: 'data_tables where application_id = $1',
    values: [applicationId],
    sort: { name: 'name', id: 'id', creationDate: 'created_at', lastUpdated: 'updated_at' },
    defaultSort: 'name',
  }
  return listPage(db, source, query, toDataTable)
}

/** @throws notFound */
export async function getDataTable(db: Queryable, applicationId: string, id: string): Promise<DataTable> {
  return toDataTable(await findRow(db, applicationId, id))
}

/**
 * The table as importing and reading rows need it; `lock` holds its columns still until the transaction ends.
 * @throws notFound
 */
export async function openTable(
  db: Queryable,
  applicationId: string,
  id: string,
  options: { lock: boolean } = { lock: false },
): Promise<StoredTable> {
  const row = await findRow(db, applicationId, id, options.lock ? 'for update' : '')
  return { id: row.id, applicationId: row.application_id, name: row.name, columns: row.columns }
}

/** Adds optional columns, the same transaction's rows can use them at once. @throws invalid past 50 columns */
export async function addColumns(
  tx: Queryable,
  table: StoredTable,
  added: readonly { name: string; dataType: ColumnType }[],
): Promise<StoredTable> {
  if (added.length === 0) return table
  const wanted = added.map((column): DataTableColumn => ({ ...column, constraint: 'optional' }))
  if (table.columns.length + wanted.length > MAX_COLUMNS) {
    throw invalid(`Data table "${table.name}" would have more than ${MAX_COLUMNS} columns`)
  }
  checkColumns([...table.columns, ...wanted])
  const first = await tx.one<{ next_column: number }>('select next_column from data_tables where id = $1', [table.id])
  const stored = wanted.map((column, index) => ({ ...column, stored: `c${(first?.next_column ?? 1) + index}` }))
  for (const column of stored) await addStoredColumn(tx, table.id, column)
  const columns = [...table.columns, ...stored]
  await tx.query(
    'update data_tables set columns = $2, next_column = next_column + $3, updated_at = now() where id = $1',
    [table.id, JSON.stringify(columns), stored.length],
  )
  return { ...table, columns }
}

async function findRow(db: Queryable, applicationId: string, id: string, lock = ''): Promise<DataTableRow> {
  const row = await db.one<DataTableRow>(`select * from data_tables where id = $1 and application_id = $2 ${lock}`, [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Data table')
  return row
}

async function addStoredColumn(tx: Queryable, tableId: string, column: StoredColumn): Promise<void> {
  const required = column.constraint === 'required' ? 'not null' : ''
  await tx.query(`alter table ${rowsOf(tableId)} add column ${column.stored} ${SQL_TYPE[column.dataType]} ${required}`)
  if (column.constraint === 'unique') {
    await tx.query(`create unique index t_${tableId}_${column.stored} on ${rowsOf(tableId)} (${column.stored})`)
  }
}

function checkColumns(columns: readonly DataTableColumn[]): void {
  const names = new Set(ROW_FIELDS)
  for (const [index, column] of columns.entries()) {
    const field = `dataTable.columns.${index}`
    if (names.has(column.name))
      throw invalid(
        `${field}.name "${column.name}" is taken; column names are unique, and
      ${ROW_FIELDS.join(', ')} belong to every row`.replace(/\s+/g, ' '),
      )
    names.add(column.name)
    if (column.defaultValue !== undefined && typeof column.defaultValue !== column.dataType) {
      throw invalid(`${field}.defaultValue must be a ${column.dataType}, as the column is`)
    }
  }
}
