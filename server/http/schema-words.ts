/** What a schema of the contract allows, in words of a sentence: "a string, a number or an object with $date". */

import type { AnySchemaObject } from 'ajv'

export type Kind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

const KIND_WORDS: Record<string, string> = {
  null: 'null',
  boolean: 'true or false',
  number: 'a number',
  integer: 'a whole number',
  string: 'a string',
  array: 'a list',
  object: 'an object',
}

/** How a type is called that a value must be of. */
export const kindWord = (type: string): string => KIND_WORDS[type] ?? type

/** How it is called that a value is of. */
export const foundWord = (kind: Kind): string => (kind === 'boolean' ? 'a boolean' : kindWord(kind))

export function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'boolean' || type === 'number' || type === 'string' ? type : 'object'
}

/** Whether values of a kind can be of the schema at all. */
export function takesKind(schema: AnySchemaObject, kind: Kind): boolean {
  const members = membersOf(schema)
  if (members) return members.some((member) => takesKind(member, kind))
  if (Array.isArray(schema['allOf'])) return schema['allOf'].every((part) => takesKind(part, kind))
  if ('const' in schema) return kindOf(schema['const']) === kind
  if (schema['type'] === undefined) return true
  const types: unknown[] = [schema['type']].flat()
  return types.some((type) => type === kind || (type === 'integer' && kind === 'number'))
}

const membersOf = (schema: AnySchemaObject): AnySchemaObject[] | undefined => schema['anyOf'] ?? schema['oneOf']

const FORMATS: Record<string, string> = {
  'date-time': 'a time as in 2026-01-31T08:00:00Z',
  email: 'an e-mail address',
  uri: 'an absolute URL as in https://example.com/a',
}

/** What one schema allows; that of a union is in `wordsOf`. */
export function phrase(schema: AnySchemaObject): string {
  if ('const' in schema) return schema['const'] === '' ? 'empty' : JSON.stringify(schema['const'])
  if (Array.isArray(schema['enum'])) return listed(schema['enum']) ? `one of ${listed(schema['enum'])}` : 'empty'
  if (membersOf(schema)) return wordsOf(schema)
  const names = Object.keys(schema['properties'] ?? {})
  if (names.length > 0) return `an object with ${names.join(', ')}`
  if (schema['type'] === 'array' || schema['type'] === 'object') return kindWord(schema['type'])
  if (schema['format']) return FORMATS[schema['format']] ?? `of the format ${schema['format']}`
  if (schema['description']) return schema['description']
  return schema['pattern'] ? `text matching ${schema['pattern']}` : kindWord(String(schema['type']))
}

/** What a union allows: as it is described, or its members in a row. */
export function wordsOf(union: AnySchemaObject): string {
  if (union['description']) return union['description']
  const members = membersOf(union) ?? []
  if (members.every((member) => 'const' in member)) return `one of ${listed(members.map((member) => member['const']))}`
  const phrases = [...new Set(members.map(phrase))]
  const last = phrases.pop()
  return phrases.length === 0 ? String(last) : `${phrases.join(', ')} or ${last}`
}

/** Words to choose from; the empty one, which stands for none, is not told. */
export const listed = (values: readonly unknown[]): string => values.filter((value) => value !== '').join(', ')
