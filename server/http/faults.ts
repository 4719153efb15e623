/**
 * One sentence about what is wrong with a value, from what the validator found: which field, what was wrong, what is
 * allowed. Of a union it speaks of the member that was meant. No sentence repeats a value, which may be of any size.
 */

import type { AnySchemaObject, ErrorObject } from 'ajv'
import { shorten } from '../ground/shorten.ts'
import { foundWord, kindOf, kindWord, listed, phrase, takesKind, wordsOf } from './schema-words.ts'

/** The sentence about the first fault; `name` is what messages call the value, empty where its parts stand alone. */
export function sentence(errors: readonly ErrorObject[], schema: AnySchemaObject, name: string): string {
  const outermost = errors.at(-1)
  if (!outermost) return `${name || 'The request'} is not valid`
  const error = meant(outermost, errors)
  const parts = error.instancePath.split('/').slice(1).map(pointerPart)
  const field = [name, ...parts].filter(Boolean).join('.')
  const members = membersOf(error, schema)
  return `${fault(error, field)}${members ? ` (${members})` : ''}`
}

const pointerPart = (part: string) => shorten(part.replaceAll('~1', '/').replaceAll('~0', '~'))

/**
 * Of a union every member complains, and then the union. When the value is of a kind that one member alone takes, that
 * one is meant and its complaint says most; a union that is described says itself what a plain value may be.
 */
function meant(error: ErrorObject, errors: readonly ErrorObject[]): ErrorObject {
  if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') return error
  const kind = kindOf(error.data)
  if (error.parentSchema?.['description'] && kind !== 'object' && kind !== 'array') return error
  const members: AnySchemaObject[] = Array.isArray(error.schema) ? error.schema : []
  const [fitting, ...others] = members.flatMap((member, index) => (takesKind(member, kind) ? [index] : []))
  if (fitting === undefined || others.length > 0) return error
  const inside = errors.filter(({ schemaPath }) => schemaPath.startsWith(`${error.schemaPath}/${fitting}/`))
  const outermost = inside.at(-1)
  return outermost ? meant(outermost, inside) : error
}

/** The members of tagged unions that a fault is in, from the outside in: `inputType deviceData`. */
function membersOf({ schemaPath }: ErrorObject, root: AnySchemaObject): string {
  let at: AnySchemaObject | undefined = root
  let tag: string | undefined = root['discriminator']?.propertyName
  const members: string[] = []
  for (const step of schemaPath.split('/').slice(1)) {
    const next: AnySchemaObject | undefined = at?.[step]
    if (tag !== undefined && Array.isArray(at)) {
      members.push(`${tag} ${next?.['properties']?.[tag]?.const}`)
      tag = undefined
    }
    tag = next?.['discriminator']?.propertyName ?? tag
    at = next
  }
  return members.join(', ')
}

function fault(error: ErrorObject, path: string): string {
  const { keyword, params, parentSchema = {}, data } = error
  const field = path || 'The request'
  const child = (part: unknown) => [path, shorten(String(part))].filter(Boolean).join('.')
  const size = (what: string, has: number) => `${field} ${bound(keyword, params['limit'], what, has)}`
  switch (keyword) {
    case 'required':
      return `${child(params['missingProperty'])} is required`
    case 'additionalProperties':
      return `${child(params['additionalProperty'])} is not a known property; allowed are ${namesOf(parentSchema)}`
    case 'discriminator':
      return `${child(params['tag'])} must be one of ${listed(tagsOf(parentSchema, params['tag']))}`
    case 'pattern':
    case 'format':
    case 'enum':
    case 'const':
      return `${field} must be ${phrase(parentSchema)}`
    case 'anyOf':
    case 'oneOf':
      return `${field} must be ${wordsOf(parentSchema)}${notKind(error)}`
    case 'type':
      return `${field} must be ${kindWord(String(params['type']))}${notKind(error)}`
    case 'minLength':
    case 'maxLength':
      return size('characters', [...String(data)].length)
    case 'minItems':
    case 'maxItems':
      return size('items', Array.isArray(data) ? data.length : 0)
    case 'minProperties':
    case 'maxProperties':
      return size('properties', Object.keys(Object(data)).length)
    case 'minimum':
      return `${field} must be at least ${params['limit']}, and is ${data}`
    case 'maximum':
      return `${field} must be at most ${params['limit']}, and is ${data}`
    default:
      // A test walks the keywords of the contract, so that none of them gets here.
      return `${field} is not what is allowed (${keyword})`
  }
}

function bound(keyword: string, limit: unknown, what: string, has: number): string {
  if (limit === 1 && has === 0) return 'must not be empty'
  return `must have at ${keyword.startsWith('min') ? 'least' : 'most'} ${limit} ${what}, and has ${has}`
}

/** What a value of the wrong kind is instead; of a number that is not whole, the number. */
function notKind({ data, parentSchema = {} }: ErrorObject): string {
  const kind = kindOf(data)
  if (!takesKind(parentSchema, kind)) return `, not ${foundWord(kind)}`
  return parentSchema['type'] === 'integer' ? `, not ${data}` : ''
}

/** The properties an object may have; where the names are their users', what these look like. */
const namesOf = (schema: AnySchemaObject): string =>
  Object.keys(schema['properties'] ?? {}).join(', ') ||
  (schema['description'] ?? `names that match ${Object.keys(schema['patternProperties'] ?? {}).join(' or ')}`)

const tagsOf = (union: AnySchemaObject, tag: string): unknown[] =>
  (union['oneOf'] ?? []).map((member: AnySchemaObject) => member['properties'][tag].const)
