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

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** One line of COPY's text format (PostgreSQL manual, COPY, "Text Format"); NUL, which text cannot hold, is dropped. */
export const copyLine = (values: readonly (string | number | boolean | null)[]) =>
  `${values
    .map((value) =>
      value === null
        ? '\\N'
        : String(value)
            .replaceAll('\u0000', '')
            .replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] ?? character),
    )
    .join('\t')}\n`
