/**
 * Checks what comes in against the contract. The first fault is told in one sentence that names the field, what was
 * found wrong and what is allowed (faults.ts); field names are rooted as the original roots them ("notebook.inputs.0.start").
 */

import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import type { TSchema } from 'typebox'
import { invalid } from '../ground/errors.ts'
import { shorten } from '../ground/shorten.ts'
import { isStorable } from '../ground/storable.ts'
import { sentence } from './faults.ts'

const ajv = new Ajv({ discriminator: true, strict: false, verbose: true, allErrors: false })
addFormats.default(ajv, ['date-time', 'email', 'uri'])

/** Containers may nest this deep; the contract's own shapes have at most 6 levels. */
const MAX_DEPTH = 32

/**
 * Throws invalid unless the value is of the schema; `name` is what messages call the value. Path and query parameters
 * have none, because each stands for itself: "page", not "query.page".
 */
export type Check = (value: unknown, name?: string) => void

/** Compiles a schema once. */
export function createCheck(schema: TSchema): Check {
  const validate = ajv.compile(schema)
  return (value, name = '') => {
    if (isTooDeep(value, MAX_DEPTH))
      throw invalid(`${name || 'The request'} is nested more than ${MAX_DEPTH} levels deep`)
    if (!validate(value)) throw invalid(sentence(validate.errors ?? [], schema, name))
    requireStorable(value, name)
  }
}

/** Neither PostgreSQL's text nor its jsonb holds NUL or half of a surrogate pair. */
function requireStorable(value: unknown, field: string): void {
  const fault = unstorable(value)
  if (!fault) return
  const path = [field, ...fault.map((part) => shorten(part))].filter(Boolean).join('.')
  throw invalid(`${path} must be text without NUL characters and halves of surrogate pairs`)
}

/** Where in the value text that can't be stored is, undefined when nowhere. Paths are made only then: values are many. */
function unstorable(value: unknown): string[] | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : []
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, part] of Object.entries(value)) {
    if (!isStorable(name)) return []
    const inside = unstorable(part)
    if (inside) return [name, ...inside]
  }
  return undefined
}

function isTooDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && isTooDeep(part, levels - 1)) return true
  }
  return false
}
