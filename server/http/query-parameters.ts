/**
 * Query parameters that are more than text. Official clients write lists and objects in brackets
 * (`tagFilter[0][key]=floor`), programs of one's own rather as JSON text; both become the values they mean.
 */

import type { TObject } from 'typebox'
import { invalid, messageOf } from '../ground/errors.ts'
import { parseJson } from '../ground/json.ts'

const BRACKETED = /^([^[\]]+)((?:\[[^[\]]*\]){1,4})$/

/** A list or object while it is put together. */
type Growing = Map<string, unknown>

/**
 * The parameters as the schema means them. At most four levels of brackets are understood; a key that is written
 * otherwise is an unknown parameter, and those are passed over.
 * @throws invalid when a list begins as JSON text and is none
 */
export function readQueryParameters(schema: TObject, raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const grown: Growing = new Map()
  for (const [key, value] of Object.entries(raw)) {
    const [, name = key, brackets = ''] = BRACKETED.exec(key) ?? []
    const segments = [...brackets.matchAll(/\[([^[\]]*)\]/g)].map(([, segment = '']) => segment)
    place(grown, [name, ...segments], value)
  }
  const given = [...grown].map(([name, value]) => [name, parseList(schema, name, finish(value))])
  return Object.fromEntries(given)
}

/** `a[]=x` takes the next free place. */
function place(into: Growing, [segment = '', ...deeper]: readonly string[], value: unknown): void {
  const name = segment === '' ? String(into.size) : segment
  if (deeper.length === 0) {
    into.set(name, value)
    return
  }
  const known = into.get(name)
  const next: Growing = known instanceof Map ? known : new Map()
  into.set(name, next)
  place(next, deeper, value)
}

/** What has only numbers for names is a list, in their order. */
function finish(value: unknown): unknown {
  if (!(value instanceof Map)) return value
  const entries = [...value].map(([name, part]): [string, unknown] => [name, finish(part)])
  if (!entries.every(([name]) => /^\d{1,9}$/.test(name))) return Object.fromEntries(entries)
  return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, part]) => part)
}

function parseList(schema: TObject, name: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith('[')) return value
  if (!Object.hasOwn(schema.properties, name) || !allowsList(schema.properties[name])) return value
  try {
    return parseJson(value, name)
  } catch (cause) {
    throw invalid(`${name} must be a list as JSON text, or in brackets as in ${name}[0]: ${messageOf(cause)}`, cause)
  }
}

/** Whether a list is one of the shapes a schema allows. */
function allowsList(schema: { type?: unknown; anyOf?: unknown } | undefined): boolean {
  if (schema?.type === 'array') return true
  return Array.isArray(schema?.anyOf) && schema.anyOf.some(allowsList)
}
