/** Rows of data tables written one by one or up to a thousand at once: all of them or none. */

import type { DataTableRow, RowsInserted, RowValues } from '../../contract/rows.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { translateQuery } from '../query/translate.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { rowsOf, type StoredColumn, type StoredTable } from './columns.ts'
import { readViolation } from './constraints.ts'
import { changeTable, readTable, writeTable } from './data-tables.ts'
import { wholeNumber } from './listing.ts'
import { changedValues, newRow, type StoredValues } from './row-values.ts'
import { rowFields, selectRow } from './rows.ts'

/** What messages call the body. */
const BODY = 'dataTableRow'

const CAST: Record<StoredColumn['dataType'], string> = { string: 'text', number: 'float8', boolean: 'boolean' }

/** Inserts one row and gives it. @throws notFound, invalid naming column and value */
export async function insertRow(
  db: Database,
  applicationId: string,
  dataTableId: string,
  row: RowValues,
): Promise<DataTableRow> {
  return writeTable(db, applicationId, dataTableId, async (tx, table) => {
    const { rowIds } = await insertAll(tx, table, [newRow(table.columns, row, BODY)], () => BODY)
    return selectRow(tx, table, rowIds[0] ?? '')
  })
}

/** Inserts rows and gives their ids, in their order. @throws notFound, invalid naming the first bad row */
export async function insertRows(
  db: Database,
  applicationId: string,
  dataTableId: string,
  rows: readonly RowValues[],
): Promise<RowsInserted> {
  const pathOf = (index: number) => `${BODY}.${index}`
  return writeTable(db, applicationId, dataTableId, async (tx, table) => {
    const values = rows.map((row, index) => newRow(table.columns, row, pathOf(index)))
    return insertAll(tx, table, values, pathOf)
  })
}

async function insertAll(
  tx: Queryable,
  table: StoredTable,
  rows: readonly StoredValues[],
  pathOf: (index: number) => string,
): Promise<RowsInserted> {
  const rowIds = rows.map(() => newId())
  const names = ['id', ...table.columns.map(({ stored }) => stored)].join(', ')
  const types = ['id text', ...table.columns.map(({ stored, dataType }) => `${stored} ${CAST[dataType]}`)].join(', ')
  const given = JSON.stringify(rows.map((row, index) => ({ id: rowIds[index], ...row })))
  try {
    const made = await tx.one<{ now: Date }>(
      `with made as (insert into ${rowsOf(table.id)} (${names}) select ${names} from json_to_recordset($1) as given (${types}))
       select now()`,
      [given],
    )
    return { createdAt: (made?.now ?? new Date()).toISOString(), count: rows.length, rowIds }
  } catch (error) {
    throw nameRow(error, table, rows, pathOf)
  }
}

/** Of rows with one value in a unique column the second is the bad one; a single one meets a row of the table. */
function nameRow(
  error: unknown,
  table: StoredTable,
  rows: readonly StoredValues[],
  pathOf: (index: number) => string,
): unknown {
  const violation = readViolation(error, table)
  if (!violation) return error
  const { stored = '' } = table.columns.find(({ name }) => name === violation.column) ?? {}
  const holders = rows.flatMap((row, index) => (String(row[stored]) === violation.value ? [index] : []))
  const bad = holders[1] ?? holders[0]
  const field = bad === undefined ? `Column "${violation.column}"` : `${pathOf(bad)}.${violation.column}`
  return invalid(`${field} ${violation.says}`, error)
}

/** One row. @throws notFound */
export async function getRow(
  db: Database,
  applicationId: string,
  dataTableId: string,
  rowId: string,
): Promise<DataTableRow> {
  return readTable(db, applicationId, dataTableId, (tx, table) => selectRow(tx, table, rowId))
}

/** Changes the columns that are named, the others stay. @throws notFound, invalid naming column and value */
export async function patchRow(
  db: Database,
  applicationId: string,
  dataTableId: string,
  rowId: string,
  patch: RowValues,
): Promise<DataTableRow> {
  return writeTable(db, applicationId, dataTableId, async (tx, table) => {
    const changed = changedValues(table.columns, patch, BODY)
    const sets = Object.keys(changed).map((stored, index) => `${stored} = $${index + 2}`)
    try {
      await tx.query(`update ${rowsOf(table.id)} set ${['updated_at = now()', ...sets].join(', ')} where id = $1`, [
        rowId,
        ...Object.values(changed),
      ])
    } catch (error) {
      throw nameRow(error, table, [changed], () => BODY)
    }
    return selectRow(tx, table, rowId)
  })
}

/** @throws notFound */
export async function deleteRow(
  db: Database,
  applicationId: string,
  dataTableId: string,
  rowId: string,
): Promise<void> {
  await writeTable(db, applicationId, dataTableId, async (tx, table) => {
    const gone = await tx.one(`delete from ${rowsOf(table.id)} where id = $1 returning id`, [rowId])
    if (!gone) throw notFound('Data table row')
  })
}

const DEFAULT_DELETED = 1000
/** A longer delete would hold its locks, and the caller, for more than a second or two. */
const MAX_DELETED = 100_000

/** Deletes at most `limit` of the rows that match, the oldest first. @throws notFound, invalid naming the fault of the query */
export async function deleteRows(
  db: Database,
  applicationId: string,
  dataTableId: string,
  query: unknown,
  limit: string | undefined,
): Promise<{ removed: number }> {
  const most = wholeNumber(limit, DEFAULT_DELETED, 0, MAX_DELETED)
  return writeTable(db, applicationId, dataTableId, async (tx, table) => {
    const values: unknown[] = []
    const condition = translateQuery(query, rowFields(table), values)
    const gone = await tx.one<{ removed: number }>(
      `with gone as (
         delete from ${rowsOf(table.id)}
         where id = any (array(select id from ${rowsOf(table.id)} where ${condition} order by id limit ${most}))
         returning 1
       )
       select count(*)::int as removed from gone`,
      values,
    )
    return { removed: gone?.removed ?? 0 }
  })
}

/** Removes every row at once. @throws notFound, unavailable while somebody else is long at the table */
export async function truncateRows(db: Database, applicationId: string, dataTableId: string): Promise<void> {
  await changeTable(db, applicationId, dataTableId, async (tx, table) => {
    await tx.query(`truncate ${rowsOf(table.id)}`)
  })
}
