/** What PostgreSQL says of a constraint that a row breaks, said again with the public name of the column. Pure. */

import { invalid } from '../ground/errors.ts'
import type { StoredTable } from './columns.ts'

/** A constraint that a row would break. */
interface Violation {
  /** The column's public name. */
  readonly column: string
  /** What is wrong with it, to go on a sentence that begins with the column. */
  readonly says: string
  /** The value that is there already, as text. */
  readonly value?: string
}

/** PostgreSQL, appendix A. */
const NOT_NULL_VIOLATION = '23502'
const UNIQUE_VIOLATION = '23505'
/** An entry of a B-tree has to fit a third of a page. */
const PROGRAM_LIMIT_EXCEEDED = '54000'

/** The violation an error tells of, undefined when it tells of none. */
export function readViolation(error: unknown, table: StoredTable): Violation | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const nameOf = (stored: unknown) => table.columns.find((column) => column.stored === stored)?.name ?? '?'
  if (error.code === NOT_NULL_VIOLATION && 'column' in error) {
    return { column: nameOf(error.column), says: 'is empty, but the column is required' }
  }
  if (error.code === UNIQUE_VIOLATION) {
    const detail = 'detail' in error ? String(error.detail) : ''
    const [, stored, value = '?'] = /\((c\d+)\)=\((.*)\)/s.exec(detail) ?? []
    return { column: nameOf(stored), says: `is unique, but the value "${shorten(value)}" would be there twice`, value }
  }
  const [, long] = error.code === PROGRAM_LIMIT_EXCEEDED ? (/_(c\d+)"/.exec(error.message) ?? []) : []
  return long
    ? { column: nameOf(long), says: 'is unique, and a unique value has at most about 2,700 bytes' }
    : undefined
}

/** The error in the words of an import, or as it was. */
export function tellViolation(error: unknown, table: StoredTable): unknown {
  const violation = readViolation(error, table)
  return violation ? invalid(`Column "${violation.column}" ${violation.says}`, error) : error
}

/** At most 100 characters of a value, for a message. */
export const shorten = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text)
