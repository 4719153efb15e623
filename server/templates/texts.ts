/** Helpers for text, and what kind of thing a value is (behaviour dossier §5). */

import { isComposite, numberOf, textOf, type ValueHelper } from './values.ts'

export const texts: Record<string, ValueHelper> = {
  upper: (value) => textOf(value).toUpperCase(),
  lower: (value) => textOf(value).toLowerCase(),
  titleCase: (value) =>
    textOf(value)
      .toLowerCase()
      .replace(/(?<!\S)\S/gu, (letter) => letter.toUpperCase()),
  trim: (value) => textOf(value).trim(),
  // Negative places count from the end.
  substring: (value, start, end) =>
    textOf(value).slice(numberOf(start), end === undefined || end === null ? undefined : numberOf(end)),
  length: (value) => {
    if (typeof value === 'string' || Array.isArray(value)) return value.length
    return isComposite(value) ? Object.keys(value).length : undefined
  },
  defaultTo: (value, fallback) => (value === undefined || value === null || value === '' ? fallback : value),
  typeof: (value) => {
    if (value === null) return 'null'
    if (Array.isArray(value)) return 'array'
    return value instanceof Date ? 'date' : typeof value
  },
}
