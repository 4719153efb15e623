/** Single values between a CSV cell, a column's type and a line of COPY. Pure. */

import type { ColumnType } from '../../contract/data-tables.ts'

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const BOOLEANS = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
])

/** The value of a cell: null for an empty one, undefined when it is not of that type. */
export function parseCell(type: ColumnType, cell: string): string | number | boolean | null | undefined {
  if (cell === '') return null
  if (type === 'string') return cell
  if (type === 'boolean') return BOOLEANS.get(cell.trim().toLowerCase())
  const number = NUMBER.test(cell.trim()) ? Number(cell) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

/** Codes and ids look like numbers and would lose digits as one: leading zeros, integers past 2^53. */
function isPlainNumber(cell: string): boolean {
  const number = parseCell('number', cell)
  if (typeof number !== 'number' || /^[+-]?0\d/.test(cell)) return false
  return !/^[+-]?\d+$/.test(cell) || Number.isSafeInteger(number)
}

/** Finds the narrowest type for a column by looking at all of its values. */
export class TypeGuess {
  #seen = false
  #number = true
  #boolean = true

  see(cell: string): void {
    if (cell === '') return
    this.#seen = true
    this.#number &&= isPlainNumber(cell.trim())
    this.#boolean &&= /^(?:true|false)$/i.test(cell.trim())
  }

  /** string when nothing was seen, because text can take whatever comes later. */
  get type(): ColumnType {
    if (this.#seen && this.#number) return 'number'
    return this.#seen && this.#boolean ? 'boolean' : 'string'
  }
}

const SPECIAL = /[\\\n\r\t\0]/
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '' }

/** Null in COPY's text format (PostgreSQL manual, COPY, "Text Format"). */
export const COPY_NULL = '\\N'

/** Text in COPY's text format; NUL, which PostgreSQL's text cannot hold, is dropped. */
export const copyText = (text: string) =>
  SPECIAL.test(text) ? text.replace(/[\\\n\r\t\0]/g, (character) => ESCAPES[character] ?? character) : text

/** Digits up to here are a finite number for PostgreSQL and for us; with an exponent the two may differ at the edges. */
const PLAIN_NUMBER = /^[+-]?(?:\d{1,100}\.?\d{0,100}|\.\d{1,100})$/

/**
 * A cell in COPY's text format, the same value as `parseCell` gives; undefined when it is not of that type. Plain numbers
 * go as they are written: PostgreSQL reads them as JavaScript does, and a million rows need not be read twice.
 */
export function copyCell(type: ColumnType, cell: string): string | undefined {
  if (cell === '') return COPY_NULL
  if (type === 'string') return copyText(cell)
  if (type === 'number' && PLAIN_NUMBER.test(cell)) return cell
  const value = parseCell(type, cell)
  return value === undefined ? undefined : String(value)
}
