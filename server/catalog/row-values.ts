/** Rows as callers write them, checked against the columns of their table. Pure. */

import type { RowValues } from '../../contract/rows.ts'
import { invalid } from '../ground/errors.ts'
import type { StoredColumn } from './columns.ts'
import { isTooLong, MAX_UNIQUE_BYTES } from './constraints.ts'

/** Values by the names that the columns have in PostgreSQL. */
export type StoredValues = Readonly<Record<string, string | number | boolean | null>>

/**
 * A new row with a value for every column: a column that the row does not name has its default, one that is named null
 * has none. Names that are no columns are passed over, as in the original.
 * @throws invalid naming `path`, column and value
 */
export function newRow(columns: readonly StoredColumn[], row: RowValues, path: string): StoredValues {
  return Object.fromEntries(
    columns.map((column) => {
      const given = Object.hasOwn(row, column.name) ? row[column.name] : column.defaultValue
      return [column.stored, checkValue(column, given ?? null, `${path}.${column.name}`)]
    }),
  )
}

/** The columns that a change of a row names. @throws invalid naming `path`, column and value */
export function changedValues(columns: readonly StoredColumn[], row: RowValues, path: string): StoredValues {
  return Object.fromEntries(
    columns
      .filter(({ name }) => Object.hasOwn(row, name))
      .map((column) => [column.stored, checkValue(column, row[column.name] ?? null, `${path}.${column.name}`)]),
  )
}

function checkValue<T extends string | number | boolean | null>(column: StoredColumn, value: T, field: string): T {
  if (value === null) {
    if (column.constraint === 'required') throw invalid(`${field} is required, and must be a ${column.dataType}`)
    return value
  }
  if (isTooLong(column, value)) throw invalid(`${field} is unique, so it must have at most ${MAX_UNIQUE_BYTES} bytes`)
  if (typeof value === column.dataType) return value
  throw invalid(`${field} must be a ${column.dataType}, not ${JSON.stringify(value).slice(0, 100)}`)
}
