/** Helpers that make, join and search arrays and objects (behaviour dossier §5). Only own properties are seen. */

import { atPath, isComposite, MAX_SIZE, type NamedHelper, partsOf, textOf, type ValueHelper } from './values.ts'

export const collections: Record<string, ValueHelper> = {
  array: (...values) => values,
  join,
  /** Properties of all of them, the last one that has a property wins. */
  merge: (...values) => Object.fromEntries(values.filter(isComposite).flatMap((value) => Object.entries(value))),
  last: (value) => (Array.isArray(value) || typeof value === 'string' ? value.at(-1) : undefined),
  indexByKey: (items, wanted, keyPath) => itemsOf(items).findIndex(hasKey(wanted, keyPath)),
  valueByKey: (items, wanted, keyPath, valuePath) =>
    atPath(itemsOf(items).find(hasKey(wanted, keyPath)), pathOr(valuePath, 'value')),
}

export const namedCollections: Record<string, NamedHelper> = {
  obj: (_values, named) => Object.fromEntries(Object.entries(named)),
}

/** Whether an array has the value, an object has it as the value of a property, or a text has it within. */
export function includesValue(collection: unknown, value: unknown): boolean {
  if (typeof collection === 'string') return collection.includes(textOf(value))
  return isComposite(collection) && Object.values(collection).includes(value)
}

const itemsOf = (items: unknown): readonly unknown[] => (Array.isArray(items) ? items : [])

/** Characters of a path, which is walked for every item. */
const MAX_PATH = 255

function pathOr(path: unknown, otherwise: string): readonly string[] {
  if (typeof path !== 'string' || path === '') return [otherwise]
  if (path.length > MAX_PATH) throw new Error(`a path has at most ${MAX_PATH} characters`)
  return partsOf(path)
}

const hasKey = (wanted: unknown, keyPath: unknown) => {
  const path = pathOr(keyPath, 'key')
  // A key that is missing is not the key of things without one.
  return (item: unknown) => wanted !== undefined && atPath(item, path) === wanted
}

function join(items: unknown, separator: unknown): string {
  if (!Array.isArray(items)) return textOf(items)
  const between = separator === undefined ? ',' : textOf(separator)
  if (items.length * between.length > MAX_SIZE) throw new Error(`"join" makes more than ${MAX_SIZE} characters`)
  return items.join(between)
}
