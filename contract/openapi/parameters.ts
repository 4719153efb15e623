/** What a request says in its path and its query, as parameters of the document. */

import type { NamedRoute } from './contract.ts'
import type { RouteNote } from './notes.ts'
import { recordOf, type SchemaObject, type Schemas, sentence } from './schemas.ts'

export interface ParameterWord {
  readonly is: string
  readonly example?: unknown
  /** In place of what the contract has, where that is text because everything in a query is. */
  readonly schema?: SchemaObject
  /** How a list of words is written; other lists and objects are JSON text. */
  readonly as?: 'repeated' | 'commas'
}

export interface WordsForParameters {
  readonly path: Readonly<Record<string, ParameterWord>>
  readonly query: Readonly<Record<string, ParameterWord>>
}

interface Sources {
  readonly schemas: Schemas
  readonly words: WordsForParameters
  readonly gaps: string[]
}

/** All parameters of a route, those of the path first. */
export function parametersOf(named: NamedRoute, note: RouteNote, sources: Sources): SchemaObject[] {
  const { params, query } = named.route
  return [
    ...Object.entries(recordOf(recordOf(params)['properties'])).map(([name, schema]) =>
      parameter('path', name, schema, true, named, note, sources),
    ),
    ...Object.entries(recordOf(recordOf(query)['properties'])).map(([name, schema]) =>
      parameter('query', name, schema, requiredOf(query).includes(name), named, note, sources),
    ),
  ]
}

const requiredOf = (schema: unknown): unknown[] => {
  const { required } = recordOf(schema)
  return Array.isArray(required) ? required : []
}

function parameter(
  place: 'path' | 'query',
  name: string,
  schema: unknown,
  required: boolean,
  { name: route, route: { operation } }: NamedRoute,
  note: RouteNote,
  { schemas, words, gaps }: Sources,
): SchemaObject {
  const word = words[place][`${operation}:${name}`] ?? words[place][name]
  const own = recordOf(schema)['description']
  const description = sentence(word?.is, typeof own === 'string' && !word?.schema ? own : undefined)
  if (!description)
    gaps.push(
      `parameter ${name} of ${route} is not described: give it a description in the contract, or a word in contract/openapi/words/parameters.ts`,
    )
  const example = note.query?.[name] ?? word?.example
  return {
    name,
    in: place,
    required,
    ...(description ? { description } : {}),
    ...shapeOf(schema, schemas, word, example),
  }
}

/**
 * Lists and objects may come in several spellings. Lists of words are described as the name repeated, or with commas;
 * the rest as JSON text, which is easier to write than the brackets that official clients use and is read as well.
 */
function shapeOf(schema: unknown, schemas: Schemas, word: ParameterWord | undefined, example: unknown): SchemaObject {
  const shown = example === undefined ? {} : { example }
  const many = manyOf(schema)
  if (word?.schema || !many) {
    const { description: _, ...written } = word?.schema ?? schemas.of(schema)
    return { schema: written, ...shown }
  }
  const { description: _, ...written } = schemas.of(many)
  if (!word?.as) return { content: { 'application/json': { schema: written, ...shown } } }
  return { style: 'form', explode: word.as === 'repeated', schema: written, ...shown }
}

/** The branch of a schema that is a list or an object. */
function manyOf(schema: unknown): unknown {
  const { type, anyOf } = recordOf(schema)
  if (type === 'array' || type === 'object') return schema
  return Array.isArray(anyOf) ? anyOf.map(manyOf).find((branch) => branch !== undefined) : undefined
}
