/** What a query is read from, and the checks that every part of it shares. */

import { invalid } from '../ground/errors.ts'
import { parseJson } from '../ground/json.ts'
import { isStorable } from '../ground/storable.ts'

/** Characters of a query as JSON text: twice what the published API takes in `queryJson`. */
const MAX_JSON_LENGTH = 16_384

/** Entries of a list, as in the published schemas. */
export const MAX_ITEMS = 100

/** Characters of one text to compare with. */
const MAX_TEXT_LENGTH = 8192

/**
 * A query as callers hand it over, JSON text or an object already; undefined when there is none, which blank text is too.
 * @throws invalid when a text is no JSON
 */
export function readQuery(query: unknown, path: string): unknown {
  if (typeof query !== 'string') return query
  return query.trim() === '' ? undefined : parseQueryJson(query, path)
}

/**
 * A query from JSON text: a query parameter, or `queryJson`. Blank text is the empty query, which everything matches.
 * @throws invalid when it is no JSON, or longer than 16,384 characters
 */
export function parseQueryJson(text: string, path: string): unknown {
  if (text.length > MAX_JSON_LENGTH) throw invalid(`${path} must have at most ${MAX_JSON_LENGTH} characters`)
  if (text.trim() === '') return {}
  return parseJson(text, path)
}

/** An object with named members: no array, no null. */
export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A list to look a value up in. @throws invalid */
export function requireList(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_ITEMS) return value
  throw invalid(`${path} must be a list of at most ${MAX_ITEMS} values`)
}

/** Text that PostgreSQL can be given. @throws invalid */
export function requireText(text: string, path: string, limit = MAX_TEXT_LENGTH): string {
  if (text.length > limit) throw invalid(`${path} must have at most ${limit} characters`)
  if (!isStorable(text)) throw invalid(`${path} must be text without NUL characters and halves of surrogate pairs`)
  return text
}

/** A name from outside as it may stand in a message. */
export const quote = (name: string) => (/^[\w$-]{1,255}$/.test(name) ? name : JSON.stringify(name.slice(0, 100)))
