/**
 * Questions about tags, for `tags` of devices and `eventTags` of events (behaviour dossier §3.9): null, a pattern
 * `{$tagKey?, $tagValue?}`, a map of keys to values, or `{$eq | $ne: …}` around one of those.
 *
 * Where the original is silent: every part of a pattern is about one and the same tag; a null says that there is no such
 * tag, `$nin` that there is none with one of those, so both match where there are no tags at all; the keys of a map are
 * each asked for themselves, and all must hold.
 */

import { invalid } from '../ground/errors.ts'
import type { CustomField } from './fields.ts'
import { isPlainObject, MAX_ITEMS, quote, requireList, requireText } from './parse.ts'

/** How a column holds tags. */
interface TagStore {
  /** Trusted SQL giving rows `tag (key, value)`. */
  readonly rows: string
  /** Whether one tag with exactly this is there, in a form that an index of the column can answer. */
  readonly contains: (tag: { key?: string; value?: string }, values: unknown[]) => string | undefined
}

/** Tags in a jsonb column of `[{key, value}]`, where a key may be there more than once; an index is `jsonb_path_ops`. */
export function tagListField(sql: string): CustomField {
  return tagField({
    rows: `jsonb_to_recordset(${sql}) as tag (key text, value text)`,
    contains: (tag, values) => `${sql} @> $${values.push(JSON.stringify([tag]))}::jsonb`,
  })
}

/** Tags in a jsonb column of `{<key>: value}`; an index is `jsonb_path_ops`. */
export function tagMapField(sql: string): CustomField {
  return tagField({
    rows: `jsonb_each_text(${sql}) as tag (key, value)`,
    contains: ({ key, value }, values) =>
      key === undefined || value === undefined
        ? undefined
        : `${sql} @> $${values.push(JSON.stringify({ [key]: value }))}::jsonb`,
  })
}

const tagField = (store: TagStore): CustomField => ({
  custom: (value, path, values) => {
    const [name, ...others] = isPlainObject(value) ? Object.keys(value) : []
    if (!isPlainObject(value) || (name !== '$eq' && name !== '$ne')) return matches(store, value, path, values)
    if (others.length > 0) throw invalid(`${path} must have nothing beside ${name}`)
    const inner = matches(store, value[name], `${path}.${name}`, values)
    return name === '$eq' ? inner : `(${inner}) is not true`
  },
})

function matches(store: TagStore, value: unknown, path: string, values: unknown[]): string {
  if (value === null) return `not exists (select from ${store.rows})`
  if (!isPlainObject(value)) {
    throw invalid(`${path} must be null, an object with $tagKey or $tagValue, or an object of tag keys`)
  }
  const names = Object.keys(value)
  if (names.some((name) => name.startsWith('$'))) return matchesPattern(store, value, path, values)
  if (names.length > MAX_ITEMS) throw invalid(`${path} must have at most ${MAX_ITEMS} tag keys`)
  const terms = names.map((key) => {
    if (!TAG_KEY.test(key)) {
      throw invalid(`${path}.${quote(key)} is not a tag key; one has 1 to 255 letters, digits, "_" or "-"`)
    }
    return tagExists(store, { equals: key }, readPart(value[key], `${path}.${key}`), values)
  })
  return terms.length === 0 ? 'true' : terms.join(' and ')
}

const TAG_KEY = /^[0-9a-zA-Z_-]{1,255}$/

function matchesPattern(store: TagStore, value: Record<string, unknown>, path: string, values: unknown[]): string {
  const unknown = Object.keys(value).find((name) => name !== '$tagKey' && name !== '$tagValue')
  if (unknown !== undefined) {
    throw invalid(
      `${path}.${quote(unknown)} is not an operator; allowed are $tagKey and $tagValue, or $eq or $ne alone`,
    )
  }
  const read = (name: string) => (Object.hasOwn(value, name) ? readPart(value[name], `${path}.${name}`) : {})
  return tagExists(store, read('$tagKey'), read('$tagValue'), values)
}

/** What is asked of the key or the value of a tag; nothing when any will do. */
interface Part {
  readonly equals?: string
  readonly in?: readonly string[]
  readonly notIn?: readonly string[]
  readonly absent?: true
}

function readPart(value: unknown, path: string): Part {
  if (value === null) return { absent: true }
  if (typeof value === 'string') return { equals: requireText(value, path, MAX_TAG_LENGTH) }
  const [name, ...others] = isPlainObject(value) ? Object.keys(value) : []
  if (!isPlainObject(value) || others.length > 0 || (name !== '$in' && name !== '$nin')) {
    throw invalid(`${path} must be text, null, {"$in": […]} or {"$nin": […]}`)
  }
  const items = requireList(value[name], `${path}.${name}`).map((item, index) => {
    if (typeof item !== 'string') throw invalid(`${path}.${name}.${index} must be text`)
    return requireText(item, `${path}.${name}.${index}`, MAX_TAG_LENGTH)
  })
  return name === '$in' ? { in: items } : { notIn: items }
}

const MAX_TAG_LENGTH = 255

/**
 * What is asked for positively says which tags are meant. With a null, or a `$nin`, there must be none of them, or none
 * of them that is in the list; else there must be one.
 */
function tagExists(store: TagStore, key: Part, value: Part, values: unknown[]): string {
  const exact = containsTag(store, key, value, values)
  if (exact) return exact
  const meant: string[] = []
  const denials: string[] = []
  const ask = (column: string, part: Part) => {
    const isOneOf = (list: readonly string[]) => `${column} = any ($${values.push(list)}::text[])`
    if (part.equals !== undefined) meant.push(`${column} = $${values.push(part.equals)}::text`)
    if (part.in) meant.push(isOneOf(part.in))
    if (part.notIn) denials.push(isOneOf(part.notIn))
    if (part.absent) denials.push('true')
  }
  ask('tag.key', key)
  ask('tag.value', value)
  const exists = (terms: readonly string[]) =>
    `exists (select from ${store.rows} where ${terms.join(' and ') || 'true'})`
  if (denials.length === 0) return exists(meant)
  return denials.map((denial) => `not ${exists([...meant, denial])}`).join(' and ')
}

/** The question in the form an index answers, when it is about one key and one value or any. */
function containsTag(store: TagStore, key: Part, value: Part, values: unknown[]): string | undefined {
  const isExact = (part: Part) => part.equals !== undefined || Object.keys(part).length === 0
  if (!isExact(key) || !isExact(value) || (key.equals ?? value.equals) === undefined) return undefined
  return store.contains(
    {
      ...(key.equals === undefined ? {} : { key: key.equals }),
      ...(value.equals === undefined ? {} : { value: value.equals }),
    },
    values,
  )
}
