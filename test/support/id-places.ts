/**
 * Every place in the queries and bodies of the contract where an id may stand: properties that are named so or have the
 * pattern of ids, and queries, which may ask for ids. Found by walking the schemas, so that none can be forgotten.
 */

import type { TSchema } from 'typebox'
import type { Route } from '../../contract/route.ts'
import { ObjectId, ObjectIdOrTemplate } from '../../contract/shapes.ts'
import { minimal } from './minimal.ts'
import type { Asked } from './requests.ts'

export interface Place {
  /** Where it is, as `body.event.deviceId` or `query.parentId`. */
  readonly path: string
  /** What a request is asked with to have an id there, in each of the ways there are. */
  ask(id: string): Asked[]
}

interface Schema {
  readonly type?: string
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

/** A place within a value, and the values that have an id there. */
interface Within {
  readonly path: string
  put(id: string): unknown[]
}

/** The places of a route, each once. */
export function placesOf(route: Route): Place[] {
  const inQuery: Place[] = within(route.query as Schema, 'query', '').map(({ path, put }) => ({
    path,
    ask: (id: string) => put(id).map((query) => ({ query })),
  }))
  const { body } = route
  const inBody: Place[] = body
    ? within(body.schema as Schema, `body.${body.name}`, body.name).map(({ path, put }) => ({
        path,
        ask: (id: string) => put(id).map((value) => ({ body: value })),
      }))
    : []
  // Branches of a union may have the same property.
  const byPath = Map.groupBy([...inQuery, ...inBody], ({ path }) => path)
  return [...byPath].map(([path, same]) => ({ path, ask: (id) => same.flatMap((place) => place.ask(id)) }))
}

const PATTERNS = [ObjectId, ObjectIdOrTemplate].map((schema) => (schema as Schema).pattern)
const isId = (name: string, { pattern }: Schema) =>
  /(?:^id|Ids?)$/.test(name) || (pattern !== undefined && PATTERNS.includes(pattern))
const isQuery = (name: string, { type, properties }: Schema) =>
  /(?:^query|Query|^queryJson)$/.test(name) && (type === 'string' || Object.keys(properties ?? {}).length === 0)

function within(schema: Schema, path: string, name: string): Within[] {
  if (isQuery(name, schema)) return [{ path, put: (id) => queriesFor(id).map((query) => asText(schema, query)) }]
  const branches = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (branches) return branches.flatMap((branch) => within(branch, path, name))
  if (schema.items) return within(schema.items, `${path}[]`, name).map((place) => mapped(place, (value) => [value]))
  if (!schema.properties) return isId(name, schema) ? [{ path, put: (id) => [id] }] : []
  return Object.entries(schema.properties).flatMap(([property, inner]) =>
    within(inner, `${path}.${property}`, property).map((place) =>
      mapped(place, (value) => ({ ...(minimal(schema as TSchema) as object), [property]: value })),
    ),
  )
}

const mapped = ({ path, put }: Within, wrap: (value: unknown) => unknown): Within => ({
  path,
  put: (id) => put(id).map(wrap),
})

const asText = ({ type }: Schema, query: object) => (type === 'string' ? JSON.stringify(query) : query)

/** Fields of all kinds of things that hold an id; a query about something else is refused for the field. */
const FIELDS = ['id', 'deviceId', 'parentId', 'gatewayId', 'ancestorId', 'sourceId', 'resourceId', 'applicationId']

const queriesFor = (id: string): object[] => [
  ...FIELDS.map((field) => ({ [field]: id })),
  { $or: [{ id }, { id: { $in: [id] } }] },
]
