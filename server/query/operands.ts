/** The values that a query compares with, by the type of the field: what fits, what never matches, what is refused. */

import { invalid } from '../ground/errors.ts'
import { isId } from '../ground/ids.ts'
import type { ScalarType } from './fields.ts'
import { requireText } from './parse.ts'

/** What PostgreSQL is told a value is. */
export const CAST: Record<ScalarType, string> = {
  string: 'text',
  number: 'float8',
  boolean: 'boolean',
  time: 'timestamptz',
  id: 'text',
}

export type Operand = string | number | boolean

/**
 * The value as the field's type has it; undefined when it is of another type, which no value of the field is equal to,
 * greater or less than. Never turned from one type into another: "5" is not 5, as in MongoDB. Times are the exception,
 * because JSON has none: text and numbers both mean a moment.
 * @throws invalid for null and containers, text that is no time, and text that is no id
 */
export function readOperand(type: ScalarType, value: unknown, path: string): Operand | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw invalid(`${path} must be text, a number or a boolean`)
  }
  if (type === 'id') return readId(value, path)
  if (typeof value === 'string') requireText(value, path)
  if (type === 'time') return typeof value === 'boolean' ? undefined : readTime(value, path)
  return typeof value === type ? value : undefined
}

function readId(value: Operand, path: string): string {
  if (typeof value === 'string' && isId(value)) return value.toLowerCase()
  throw invalid(`${path} must be an id of 24 hexadecimal digits, or null`)
}

/** The years 1 to 9999. */
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z')
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

const NUMERIC = /^\s*-?\d+(?:\.\d+)?\s*$/

/** A mistyped date that silently matched nothing would, after `$ne`, match everything; so it is refused. */
function readTime(value: string | number, path: string): string {
  const ms = typeof value === 'number' || NUMERIC.test(value) ? Math.floor(Number(value)) : Date.parse(value)
  if (ms >= EARLIEST_MS && ms <= LATEST_MS) return new Date(ms).toISOString()
  throw invalid(`${path} must be a time: ISO 8601, or milliseconds since 1970`)
}
