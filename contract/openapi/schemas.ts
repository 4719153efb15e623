/**
 * Schemas of the contract as schemas of OpenAPI 3.1 (JSON Schema 2020-12). What the contract exports under a name becomes
 * a component and is referred to; the rest stands where it is used. Properties get the words written about them.
 */

import type { NamedSchema } from './contract.ts'
import type { SchemaNote } from './notes.ts'

export type SchemaObject = { readonly [keyword: string]: unknown }

/** Writes one sentence about a property, undefined where nobody has. */
export type WordFor = (schema: string | undefined, property: string) => string | undefined

export interface Schemas {
  /** The schema as it is written in the document; `name` makes a component of one that has none. */
  of(schema: unknown, name?: string): SchemaObject
  /** The name of the component that a schema is, if it is one. */
  nameOf(schema: unknown): string | undefined
  /** All components referred to so far, by name, in order. */
  components(): Record<string, SchemaObject>
  /** What is not explained, each a sentence that says where to do it. */
  readonly gaps: string[]
}

export interface SchemaSources {
  readonly named: readonly NamedSchema[]
  readonly noteOf: (module: string, name: string) => SchemaNote | undefined
  readonly wordFor: WordFor
  /** Properties that the door adds to a component, by its name. */
  readonly added: ReadonlyMap<string, Record<string, SchemaObject>>
}

/** Names of the contract that would be poor ones in the document. */
const RENAMED: Record<string, string> = { ApiError: 'Error', Device: 'PlainDevice', DeviceReply: 'Device' }

/** What an exported schema is called in the document. */
export const componentName = (name: string): string => RENAMED[name] ?? name

export function createSchemas({ named, noteOf, wordFor, added }: SchemaSources): Schemas {
  const gaps: string[] = []
  const names = namesOf(named)
  const components = new Map<string, SchemaObject>()

  const of = (schema: unknown, name?: string): SchemaObject => {
    const known = names.get(keyOf(schema))
    if (!known && !name) return shape(schema, undefined)
    const component = known ?? { name: name ?? '', module: undefined }
    if (!known) names.set(keyOf(schema), component)
    emit(component, schema)
    return { $ref: `#/components/schemas/${component.name}` }
  }

  const emit = ({ name, module, exported = name }: Named, schema: unknown) => {
    if (components.has(name)) return
    components.set(name, {}) // first, for one that refers to itself
    const note = module ? noteOf(module, exported) : undefined
    const { description: own, ...rest } = shape(schema, name)
    const description = [note?.is, own].filter(Boolean).join(' ')
    if (!description && module)
      gaps.push(`schema ${name} is not described: say what it is in contract/openapi/notes/${module}.ts (schemas)`)
    const extra = added.get(name)
    components.set(name, {
      ...(description ? { description } : {}),
      ...rest,
      ...(extra ? { properties: { ...recordOf(rest['properties']), ...extra } } : {}),
      ...(note?.example === undefined ? {} : { examples: [note.example] }),
    })
  }

  /** The keywords of one schema; `owner` is the component it is the top of. */
  const shape = (schema: unknown, owner: string | undefined): SchemaObject => {
    const { patternProperties, properties, items, anyOf, oneOf, allOf, additionalProperties, ...rest } =
      recordOf(schema)
    if (Array.isArray(allOf)) return shape(merged(allOf, rest), owner)
    if (Array.isArray(anyOf)) return { ...rest, ...union(anyOf) }
    if (Array.isArray(oneOf)) return tagged(rest, oneOf, owner)
    // Without a word about its properties an object may have any, which some readers take for none.
    const isFree = rest['type'] === 'object' && !patternProperties && Object.keys(recordOf(properties)).length === 0
    if (isFree) return { ...rest, additionalProperties: additionalProperties ?? true }
    return {
      ...rest,
      ...(properties
        ? { properties: mapValues(recordOf(properties), (value, name) => property(owner, name, value)) }
        : {}),
      ...(additionalProperties === undefined ? {} : { additionalProperties: valuesOf(additionalProperties) }),
      ...(patternProperties ? record(recordOf(patternProperties)) : {}),
      ...(items ? { items: of(items) } : {}),
    }
  }

  const valuesOf = (schema: unknown) => (typeof schema === 'boolean' ? schema : of(schema))

  const property = (owner: string | undefined, name: string, schema: unknown): SchemaObject => {
    const written = of(schema)
    const word = wordFor(owner, name)
    const own = typeof written['description'] === 'string' ? written['description'] : undefined
    if (!word && !own && !written['$ref'])
      gaps.push(
        `property ${name}${owner ? ` of ${owner}` : ''} is not described: give it a description in the contract, or a word in contract/openapi/words/`,
      )
    const description = sentence(word, own)
    return { ...written, ...(description ? { description } : {}) }
  }

  /** A record: JSON Schema says it of patterns of names, readers understand it better as one pattern for all names. */
  const record = (patterns: Record<string, unknown>): SchemaObject => {
    const [[pattern, value] = ['', {}]] = Object.entries(patterns)
    return {
      ...(pattern === '^.*$' ? {} : { propertyNames: { pattern } }),
      additionalProperties: of(value),
    }
  }

  const union = (branches: readonly unknown[]): SchemaObject => {
    const isNull = (branch: unknown) => recordOf(branch)['type'] === 'null'
    const values = branches.filter((branch) => !isNull(branch))
    const hasNull = values.length < branches.length
    if (values.every((branch) => 'const' in recordOf(branch))) {
      const words = values.map((branch) => recordOf(branch)['const'])
      return {
        type: typeof words[0],
        enum: words,
        ...(hasNull ? { type: [typeof words[0], 'null'], enum: [...words, null] } : {}),
      }
    }
    const written = values.map((branch) => of(branch))
    if (written.every(({ type, ...rest }) => typeof type === 'string' && Object.keys(rest).length === 0))
      return { type: [...written.map(({ type }) => type), ...(hasNull ? ['null'] : [])] }
    const [only] = written
    if (hasNull && written.length === 1 && only && typeof only['type'] === 'string' && !only['enum'])
      return { ...only, type: [only['type'], 'null'] }
    return { anyOf: [...written, ...(hasNull ? [{ type: 'null' }] : [])] }
  }

  /** A union whose branches are told apart by a property: each branch is a component, as `discriminator` demands. */
  const tagged = (rest: Record<string, unknown>, branches: readonly unknown[], owner = 'Choice'): SchemaObject => {
    const tag = String(recordOf(rest['discriminator'])['propertyName'])
    const mapping = branches.map((branch): [string, string] => {
      const properties = recordOf(recordOf(branch)['properties'])
      const value = String(recordOf(properties[tag])['const'])
      return [value, String(of(branch, branchName(owner, value))['$ref'])]
    })
    return {
      ...rest,
      ...(rest['properties']
        ? { properties: mapValues(recordOf(rest['properties']), (value, name) => property(owner, name, value)) }
        : {}),
      discriminator: { propertyName: tag, mapping: Object.fromEntries(mapping) },
      oneOf: mapping.map(([, $ref]) => ({ $ref })),
    }
  }

  /** `NotebookInput` of `deviceData` is a `DeviceDataInput`; where that is taken, a `NotebookDeviceDataInput`. */
  const branchName = (union: string, value: string): string => {
    const [, first = '', last = ''] = /^(.*?)([A-Z][a-z]*)$/.exec(union) ?? []
    const short = `${capital(value)}${last}`
    const isTaken = [...names.values()].some(({ name }) => name === short) || /^(Set|Remove|Add)$/.test(first)
    return isTaken ? `${first}${capital(value)}${last}` : short
  }

  return {
    of,
    nameOf: (schema) => names.get(keyOf(schema))?.name,
    components: () => Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    gaps,
  }
}

interface Named {
  readonly name: string
  readonly module: string | undefined
  /** Its name in the contract. */
  readonly exported?: string
}

/** Optional properties are copies of what they are made of, so a schema is known by its text. */
const keyOf = (schema: unknown) => JSON.stringify(schema)

/** Of two names for the same the shorter one. Plain text and numbers stay where they are, so that they can have words of their own. */
function namesOf(named: readonly NamedSchema[]): Map<string, Named> {
  const names = new Map<string, Named>()
  for (const { name, module, schema } of named) {
    if (!isWorthAName(recordOf(schema)) || /Params$/.test(name)) continue
    const known = names.get(keyOf(schema))
    const better = componentName(name)
    if (!known || better.length < known.name.length) names.set(keyOf(schema), { name: better, module, exported: name })
  }
  return names
}

function isWorthAName({ type, properties, ...schema }: Record<string, unknown>): boolean {
  if (type === 'object') return properties === undefined || Object.keys(recordOf(properties)).length > 0
  return type === 'array' || ['enum', 'anyOf', 'oneOf', 'allOf'].some((keyword) => keyword in schema)
}

/** Several objects at once, as one; `rest` is what the union itself says. */
function merged(parts: readonly unknown[], rest: Record<string, unknown>): Record<string, unknown> {
  const all = parts.map(recordOf)
  return {
    ...Object.assign({}, ...all),
    ...rest,
    type: 'object',
    properties: Object.assign({}, ...all.map((part) => part['properties'] ?? {})),
    required: all.flatMap((part) => part['required'] ?? []),
  }
}

/** What is said of the property here, and then what its kind of value is. */
export function sentence(word: string | undefined, own: string | undefined): string | undefined {
  if (!word) return own && capital(own)
  return own && own !== word ? `${word}: ${own}` : word
}

export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

export const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

const mapValues = <T>(record: Record<string, unknown>, map: (value: unknown, name: string) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]))
