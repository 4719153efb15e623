/**
 * The catalogue of data tables. The rows of each live in a real table of PostgreSQL; see `rows.ts`.
 *
 * Who changes the columns of a table locks its row of the catalogue. Who reads or writes rows locks the real table first,
 * in the mildest mode, and reads the columns then: PostgreSQL changes no table that somebody has locked, so the columns
 * stay as they were read until the transaction ends.
 */

import type { DataTable, DataTableColumn, DataTablePatch, DataTablePost } from '../../contract/data-tables.ts'
import { notFound, unavailable } from '../ground/errors.ts'
import { isId, newId } from '../ground/ids.ts'
import type { Database, Queryable, Transaction } from '../stores/postgres/database.ts'
import {
  addColumns,
  checkColumns,
  createRows,
  dropColumn,
  rowsOf,
  type StoredColumn,
  type StoredTable,
} from './columns.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'
import { rebuildWhenFull } from './rebuild.ts'

interface DataTableRow {
  id: string
  application_id: string
  name: string
  description: string | null
  columns: StoredColumn[]
  created_at: Date
  updated_at: Date
}

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

/** @throws invalid when a column's name is taken or reserved, or its default has another type */
export async function createDataTable(db: Database, applicationId: string, post: DataTablePost): Promise<DataTable> {
  const columns = post.columns ?? []
  checkColumns(columns, (index) => `dataTable.columns.${index}`)
  const stored = columns.map((column, index) => ({ ...column, stored: `c${index + 1}` }))
  const id = newId()
  return db.transaction(async (tx) => {
    const [row] = await tx.query<DataTableRow>(
      `insert into data_tables (id, application_id, name, description, columns, next_column)
       values ($1, $2, $3, $4, $5, $6) returning *`,
      [id, applicationId, post.name, post.description ?? null, JSON.stringify(stored), stored.length + 1],
    )
    await createRows(tx, id, stored)
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

/** Changes name or description, what is left out stays. @throws notFound */
export async function patchDataTable(
  db: Queryable,
  applicationId: string,
  id: string,
  patch: DataTablePatch,
): Promise<DataTable> {
  const row = await db.one<DataTableRow>(
    `update data_tables set name = coalesce($3, name), description = coalesce($4, description), updated_at = now()
     where id = $1 and application_id = $2 returning *`,
    [id, applicationId, patch.name ?? null, patch.description ?? null],
  )
  if (!row) throw notFound('Data table')
  return toDataTable(row)
}

/** Removes a table and its rows. @throws notFound, and unavailable while somebody else is long at it */
export async function deleteDataTable(db: Database, applicationId: string, id: string): Promise<void> {
  await changeTable(db, applicationId, id, async (tx) => {
    await tx.query('delete from data_tables where id = $1', [id]) // its trigger drops the rows
  })
}

/** Adds a column, empty in the rows that are there. @throws notFound, invalid, unavailable */
export async function addColumn(
  db: Database,
  applicationId: string,
  id: string,
  column: DataTableColumn,
): Promise<DataTable> {
  return changeTable(db, applicationId, id, async (tx, table) => {
    await addColumns(tx, await rebuildWhenFull(tx, table), [column], () => 'dataTableColumn')
    return getDataTable(tx, applicationId, id)
  })
}

/** Removes a column with what it holds. @throws notFound, invalid when there is none of that name, unavailable */
export async function removeColumn(
  db: Database,
  applicationId: string,
  id: string,
  columnName: string,
): Promise<DataTable> {
  return changeTable(db, applicationId, id, async (tx, table) => {
    await dropColumn(tx, table, columnName)
    return getDataTable(tx, applicationId, id)
  })
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

/** How long a change of a table waits for those who read or write its rows; meanwhile everybody else waits behind it. */
const CHANGE_WAIT_MS = 10_000

/** Runs `work` as the only one at the table. @throws notFound, unavailable when it is not free after ten seconds */
export async function changeTable<T>(
  db: Database,
  applicationId: string,
  id: string,
  work: (tx: Transaction, table: StoredTable) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction(async (tx) => {
      await tx.query(`set local lock_timeout = ${CHANGE_WAIT_MS}`)
      return work(tx, await openTable(tx, applicationId, id, { lock: true }))
    })
  } catch (error) {
    if (!hasCode(error, LOCK_NOT_AVAILABLE)) throw error
    throw unavailable('The data table is being filled or exported at the moment; try again', error)
  }
}

/** Runs `work` while the columns stay as they are; all it reads is of one moment. @throws notFound */
export async function readTable<T>(
  db: Database,
  applicationId: string,
  id: string,
  work: (tx: Transaction, table: StoredTable) => Promise<T>,
  options: { statementTimeoutMs?: number } = {},
): Promise<T> {
  await findRow(db, applicationId, id) // who may not see the table must not wait for it
  const read = async (tx: Transaction) => {
    await holdRows(tx, id, 'access share')
    return work(tx, await openTable(tx, applicationId, id))
  }
  return db.transaction(read, { isolation: 'repeatable read', readOnly: true, ...options })
}

/** Runs `work` while the columns stay as they are; others may write rows as well. @throws notFound */
export async function writeTable<T>(
  db: Database,
  applicationId: string,
  id: string,
  work: (tx: Transaction, table: StoredTable) => Promise<T>,
): Promise<T> {
  await findRow(db, applicationId, id)
  return db.transaction(async (tx) => {
    await holdRows(tx, id, 'row exclusive')
    return work(tx, await openTable(tx, applicationId, id))
  })
}

/** `lock table` takes no snapshot, so what is read after it is as new as the lock. */
async function holdRows(tx: Queryable, id: string, mode: 'access share' | 'row exclusive'): Promise<void> {
  if (!isId(id)) throw notFound('Data table')
  try {
    await tx.query(`lock table ${rowsOf(id)} in ${mode} mode`)
  } catch (error) {
    throw hasCode(error, UNDEFINED_TABLE) ? notFound('Data table') : error
  }
}

/** PostgreSQL, appendix A. */
const UNDEFINED_TABLE = '42P01'
const LOCK_NOT_AVAILABLE = '55P03'
const hasCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code

async function findRow(db: Queryable, applicationId: string, id: string, lock = ''): Promise<DataTableRow> {
  const row = await db.one<DataTableRow>(`select * from data_tables where id = $1 and application_id = $2 ${lock}`, [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Data table')
  return row
}
