/**
 * PostgreSQL counts every column a table ever had, removed ones too, and lets it have 1,600. A table that comes near is
 * written anew with the columns it has now; a few seconds for a million rows, once in fifteen hundred columns.
 */

import type { Queryable } from '../stores/postgres/database.ts'
import { createRows, rowsOf, type StoredTable } from './columns.ts'

/** Leaves room for as many columns as one request may add. */
const MAX_EVER = 1500

/** The table itself, or as it is after it was written anew; the caller has locked its row of the catalogue. */
export async function rebuildWhenFull(tx: Queryable, table: StoredTable): Promise<StoredTable> {
  const ever = await tx.one<{ count: number }>(
    'select max(attnum)::int as count from pg_attribute where attrelid = $1::regclass',
    [rowsOf(table.id)],
  )
  return (ever?.count ?? 0) < MAX_EVER ? table : rebuild(tx, table)
}

async function rebuild(tx: Queryable, table: StoredTable): Promise<StoredTable> {
  const rows = rowsOf(table.id)
  const old = `"rows"."t_${table.id}_old"`
  // New numbers, because the names of the indexes are taken until the old table is gone.
  const next = await tx.one<{ next_column: number }>(
    'update data_tables set next_column = next_column + $2 where id = $1 returning next_column',
    [table.id, table.columns.length],
  )
  const first = (next?.next_column ?? 1) - table.columns.length
  const columns = table.columns.map((column, index) => ({ ...column, stored: `c${first + index}` }))
  await tx.query(`alter table ${rows} rename to "t_${table.id}_old"`)
  await createRows(tx, table.id, columns)
  // Rows from before a column was required stay empty in it.
  await tx.query(`alter table ${rows} disable trigger user`)
  const fields = (of: StoredTable['columns']) =>
    ['id', 'created_at', 'updated_at', ...of.map(({ stored }) => stored)].join(', ')
  await tx.query(`insert into ${rows} (${fields(columns)}) select ${fields(table.columns)} from ${old} order by id`)
  await tx.query(`alter table ${rows} enable trigger user`)
  await tx.query(`drop table ${old}`)
  await tx.query('update data_tables set columns = $2 where id = $1', [table.id, JSON.stringify(columns)])
  return { ...table, columns }
}
