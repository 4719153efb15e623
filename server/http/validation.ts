/**
 * Checks what comes in against the contract. The first fault is told in one sentence that names the field, what was
 * found wrong and what is allowed; field names are rooted as the original roots them ("notebook.inputs.0.start").
 */

import { Ajv, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { TSchema } from 'typebox'
import { invalid } from '../ground/errors.ts'
import { isStorable } from '../ground/storable.ts'

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
    if (!validate(value)) throw invalid(sentence(validate, name))
    requireStorable(value, name)
  }
}

function sentence(validate: ValidateFunction, name: string): string {
  const error = mostTelling(validate.errors ?? [])
  if (!error) return `${name || 'The request'} is not valid`
  const field = [name, ...error.instancePath.split('/').slice(1).map(pointerPart)].filter(Boolean).join('.')
  return describe(error, field)
}

/**
 * Of a union without a tag every branch complains. The deepest complaint is about the branch that was meant; on one
 * level a missing or unknown property says more than the union, and the union more than one branch's type.
 */
function mostTelling(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const deepest = Math.max(...errors.map(({ instancePath }) => instancePath.split('/').length))
  const level = errors.filter(({ instancePath }) => instancePath.split('/').length === deepest)
  const isUnion = ({ keyword }: ErrorObject) => keyword === 'anyOf' || keyword === 'oneOf'
  return level.find((error) => !isUnion(error) && error.keyword !== 'type') ?? level.find(isUnion) ?? level[0]
}

const pointerPart = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')

function describe(error: ErrorObject, field: string): string {
  const { keyword, params, parentSchema } = error
  const child = (name: unknown) => (field ? `${field}.${name}` : String(name))
  switch (keyword) {
    case 'required':
      return `${child(params['missingProperty'])} is required`
    case 'additionalProperties':
      return `${child(params['additionalProperty'])} is not a known property; allowed are ${propertiesOf(parentSchema) || parentSchema?.['description']}`
    case 'enum':
      return `${field} must be one of ${list(params['allowedValues'])}`
    case 'const':
      return `${field} must be ${JSON.stringify(params['allowedValue'])}`
    case 'discriminator':
      return describeTag(error, child(params['tag']))
    case 'pattern':
      return `${field} must be ${parentSchema?.['description'] ?? `text matching ${params['pattern']}`}`
    case 'anyOf':
    case 'oneOf':
      return `${field} must be ${parentSchema?.['description'] ?? alternatives(parentSchema)}`
    case 'type':
      return `${field || 'The body'} must be of type ${params['type']}`
    default:
      return `${field} ${error.message ?? 'is not valid'}`
  }
}

function describeTag(error: ErrorObject, field: string): string {
  const branches: AnySchemaObject[] = error.parentSchema?.['oneOf'] ?? []
  const tags = branches.map((branch) => branch['properties'][error.params['tag']].const)
  return `${field} must be one of ${list(tags)}`
}

const list = (values: unknown) => (Array.isArray(values) ? values.filter((value) => value !== '').join(', ') : '')

const propertiesOf = (schema: AnySchemaObject | undefined) => Object.keys(schema?.['properties'] ?? {}).join(', ')

function alternatives(schema: AnySchemaObject | undefined): string {
  const branches: AnySchemaObject[] = schema?.['anyOf'] ?? schema?.['oneOf'] ?? []
  const say = (branch: AnySchemaObject) =>
    branch['properties']
      ? `an object with ${propertiesOf(branch)}`
      : (branch['description'] ?? `of type ${branch['type']}`)
  return branches.map(say).join(' or ')
}

/** Neither PostgreSQL's text nor its jsonb holds NUL or half of a surrogate pair. */
function requireStorable(value: unknown, field: string): void {
  const fault = unstorable(value)
  if (!fault) return
  const path = [field, ...fault].filter(Boolean).join('.')
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
