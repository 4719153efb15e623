/** The smallest value that a schema of the contract allows: a request that nothing is wrong with, for any route. */

import type { TSchema } from 'typebox'
import type { Schema } from './chance-values.ts'

const FORMATS: Record<string, string> = {
  email: 'nobody@example.com',
  uri: 'https://example.com/',
  'date-time': '2026-01-01T00:00:00.000Z',
}

/** Texts of which one fits each pattern of the contract; one is an id that nothing has. */
export const ABSENT_ID = 'a'.repeat(24)
const TEXTS = ['a', '0', ABSENT_ID, 'abc', 'a'.repeat(64), '2026-01-01', 'P1D', '']

/** @throws Error when a pattern is not among those that are known here */
export const minimal = (schema: TSchema): unknown => made(schema as Schema)

function made(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map(made))
  const [branch] = schema.oneOf ?? schema.anyOf ?? []
  if (branch) return made(branch)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') return objectOf(schema)
  if (type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => made(schema.items ?? {}))
  if (type === 'string') return textOf(schema)
  if (type === 'boolean') return false
  if (type === 'number' || type === 'integer') return schema.minimum ?? 0
  return null
}

const objectOf = ({ required = [], properties = {} }: Schema) =>
  Object.fromEntries(required.map((name) => [name, made(properties[name] ?? {})]))

function textOf({ format, pattern, minLength = 0 }: Schema): string {
  if (format !== undefined) return FORMATS[format] ?? ''
  if (pattern === undefined) return 'a'.repeat(minLength)
  const text = TEXTS.find((one) => new RegExp(pattern, 'u').test(one))
  if (text === undefined) throw new Error(`no text is known that ${pattern} allows`)
  return text
}
