/** What PostgreSQL says of a constraint that a row breaks, said again with the public name of the column. Pure. */

import { invalid } from '../ground/errors.ts'
import type { StoredColumn, StoredTable } from './columns.ts'

/** A constraint that a row would break. */
interface Violation {
  /** The column's public name. */
  readonly column: string
  /** What is wrong with it, to go on a sentence that begins with the column. */
  readonly says: string
  /** The value that is there already, as text. */
  readonly value?: string
  /** Of a COPY: the row that breaks it, from 1. */
  readonly row?: number
}

/** PostgreSQL, appendix A. */
const NOT_NULL_VIOLATION = '23502'
const UNIQUE_VIOLATION = '23505'

/** The violation an error tells of, undefined when it tells of none. */
export function readViolation(error: unknown, table: StoredTable): Violation | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const nameOf = (stored: unknown) => table.columns.find((column) => column.stored === stored)?.name ?? '?'
  if (error.code === NOT_NULL_VIOLATION && 'column' in error) {
    return { column: nameOf(error.column), says: 'is empty, but the column is required', ...rowOf(error) }
  }
  if (error.code === UNIQUE_VIOLATION) {
    const detail = 'detail' in error ? String(error.detail) : ''
    const [, stored, value = '?'] = /\((c\d+)\)=\((.*)\)/s.exec(detail) ?? []
    const says = `is unique, but the value "${shorten(value)}" would be there twice`
    return { column: nameOf(stored), says, value, ...rowOf(error) }
  }
  return undefined
}

/** COPY tells in which line it was, and an import makes one line of each row. */
function rowOf(error: Error): { row?: number } {
  const [, line] = /^COPY \w+, line (\d+)/m.exec('where' in error ? String(error.where) : '') ?? []
  return line === undefined ? {} : { row: Number(line) }
}

/** The error in the words of an import, or as it was. */
export function tellViolation(error: unknown, table: StoredTable): unknown {
  const violation = readViolation(error, table)
  if (!violation) return error
  const { row, column, says } = violation
  return invalid(`${row === undefined ? 'Column' : `Row ${row}, column`} "${column}" ${says}`, error)
}

/** An entry of PostgreSQL's B-tree has at most 2,704 bytes, some of which are its own. */
export const MAX_UNIQUE_BYTES = 2600

/** Whether a value can't be in the index of its column. Bytes are only counted where they could be too many. */
export const isTooLong = ({ constraint }: StoredColumn, value: unknown): boolean =>
  constraint === 'unique' &&
  typeof value === 'string' &&
  value.length > MAX_UNIQUE_BYTES / 4 &&
  Buffer.byteLength(value) > MAX_UNIQUE_BYTES

/** At most 100 characters of a value, for a message. */
export const shorten = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text)
