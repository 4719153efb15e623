/** The columns of data tables: what they may be named and hold, and the DDL that makes, constrains and drops them. */

import { type ColumnType, type DataTableColumn, MAX_COLUMNS } from '../../contract/data-tables.ts'
import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'

/** A column together with the name it has in PostgreSQL (`c1`, `c2`, …). */
export type StoredColumn = DataTableColumn & { readonly stored: string }

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

/** The table that holds the rows; the id is our own, 24 hexadecimal digits. */
export const rowsOf = (tableId: string) => `"rows"."t_${tableId}"`

/** Makes the table that holds the rows. */
export async function createRows(tx: Queryable, tableId: string, columns: readonly StoredColumn[]): Promise<void> {
  await tx.query(`create table ${rowsOf(tableId)} (
    id text primary key, created_at timestamptz not null default now(), updated_at timestamptz not null default now()
  )`)
  for (const column of columns) await createColumn(tx, tableId, column)
}

/**
 * Adds columns to a table whose catalogue row the caller has locked; rows that are there already have null in them. The
 * same transaction's rows can use them at once.
 * @throws invalid past 50 columns, and for names and defaults that can't be; `fieldOf` names a column of the request
 */
export async function addColumns(
  tx: Queryable,
  table: StoredTable,
  added: readonly DataTableColumn[],
  fieldOf = (index: number) => `dataTable.columns.${table.columns.length + index}`,
): Promise<StoredTable> {
  if (added.length === 0) return table
  requireRoom(table, added.length)
  checkColumns(added, fieldOf, table.columns)
  const next = await tx.one<{ next_column: number }>('select next_column from data_tables where id = $1', [table.id])
  const stored = added.map((column, index) => ({ ...column, stored: `c${(next?.next_column ?? 1) + index}` }))
  for (const column of stored) await createColumn(tx, table.id, column)
  const columns = [...table.columns, ...stored]
  await tx.query(
    'update data_tables set columns = $2, next_column = next_column + $3, updated_at = now() where id = $1',
    [table.id, JSON.stringify(columns), stored.length],
  )
  return { ...table, columns }
}

/** @throws invalid when that many more columns are too many */
export function requireRoom(table: StoredTable, added: number): void {
  if (table.columns.length + added > MAX_COLUMNS) {
    throw invalid(`Data table "${table.name}" would have more than ${MAX_COLUMNS} columns`)
  }
}

/** Drops a column with what it holds; the caller has locked the table's catalogue row. @throws invalid when it is none */
export async function dropColumn(tx: Queryable, table: StoredTable, name: string): Promise<void> {
  const gone = table.columns.find((column) => column.name === name)
  if (!gone) throw invalid(`columnName "${name}" is not a column of data table "${table.name}"`)
  // cascade: the trigger of a required column depends on it.
  await tx.query(`alter table ${rowsOf(table.id)} drop column ${gone.stored} cascade`)
  await tx.query('update data_tables set columns = $2, updated_at = now() where id = $1', [
    table.id,
    JSON.stringify(table.columns.filter((column) => column !== gone)),
  ])
}

/** Without a default: rows that are there already have none, and those that come are given it when they are read in. */
async function createColumn(tx: Queryable, tableId: string, { stored, ...column }: StoredColumn): Promise<void> {
  const rows = rowsOf(tableId)
  await tx.query(`alter table ${rows} add column ${stored} ${SQL_TYPE[column.dataType]}`)
  if (column.constraint === 'unique') {
    await tx.query(`create unique index t_${tableId}_${stored} on ${rows} (${stored})`)
  }
  if (column.constraint === 'required') {
    await tx.query(`create trigger ${stored}_required after insert or update of ${stored} on ${rows}
      for each row when (new.${stored} is null) execute function refuse_empty('${stored}')`)
  }
}

/** @throws invalid when a name is taken or reserved, or a default has another type than its column */
export function checkColumns(
  columns: readonly DataTableColumn[],
  fieldOf: (index: number) => string,
  existing: readonly DataTableColumn[] = [],
): void {
  const names = new Set([...ROW_FIELDS, ...existing.map(({ name }) => name)])
  for (const [index, column] of columns.entries()) {
    if (names.has(column.name)) {
      throw invalid(
        `${fieldOf(index)}.name "${column.name}" is taken; column names are unique, and ${ROW_FIELDS.join(', ')} belong to every row`,
      )
    }
    names.add(column.name)
    if (column.defaultValue !== undefined && typeof column.defaultValue !== column.dataType) {
      throw invalid(`${fieldOf(index)}.defaultValue must be a ${column.dataType}, as the column is`)
    }
  }
}
