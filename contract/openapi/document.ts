/** The OpenAPI 3.1 document: from the routes of the contract, the notes about them and nothing else. */

import { type Contract, type NamedRoute, readContract } from './contract.ts'
import { HEADERS, INFO, PREAMBLE, SECURITY } from './conventions.ts'
import { sharedResponses } from './errors.ts'
import type { Notes, SchemaNote } from './notes.ts'
import { operationOf, replyName, type Sources } from './operation.ts'
import { componentName, createSchemas, recordOf, type SchemaObject, type Schemas } from './schemas.ts'
import { SHARED_PARAMETERS } from './shared-parameters.ts'
import { PARAMETERS } from './words/parameters.ts'
import { wordFor } from './words/properties.ts'

export interface OpenApiDocument {
  readonly openapi: string
  readonly info: SchemaObject
  readonly servers: readonly SchemaObject[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, SchemaObject>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, SchemaObject>>>>
}

export interface Described {
  readonly document: OpenApiDocument
  /** What the document lacks: a sentence for each, which says where it is to be written. */
  readonly gaps: readonly string[]
}

/** Makes the document of the contract as it is on disk. */
export async function describeApi(): Promise<Described> {
  return documentOf(await readContract())
}

export function documentOf({ routes, schemas: named, notes }: Contract): Described {
  const noteOf = (module: string, name: string): SchemaNote | undefined => notes.get(module)?.schemas?.[name]
  const added = new Map<string, Record<string, SchemaObject>>()
  const schemas = createSchemas({ named, noteOf, wordFor, added })
  addEntityProperties(added, routes, schemas)
  const gaps: string[] = []
  const sources: Sources = { schemas, words: PARAMETERS, examples: examplesOf(notes), gaps }
  const ids = operationIds(routes)
  const paths: Record<string, Record<string, SchemaObject>> = {}
  for (const one of routes) {
    const about = notes.get(one.module)
    if (!about?.tag)
      gaps.push(
        `contract/${one.module}.ts has routes and no notes with a tag: write contract/openapi/notes/${one.module}.ts, as notes/schedules.ts is`,
      )
    const note = about?.routes?.[one.name] ?? {}
    const operation = operationOf(
      {
        named: one,
        operationId: ids.get(one) ?? one.name,
        tag: about?.tag?.name ?? 'Other',
        note,
        isOwn: about?.own ?? note.own ?? false,
      },
      sources,
    )
    const path = one.route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [one.route.method.toLowerCase()]: operation }
  }
  const responses = sharedResponses(schemas)
  return {
    document: {
      openapi: '3.1.0',
      info: { ...INFO, description: PREAMBLE },
      servers: [{ url: '/', description: 'The installation that this document was read from.' }],
      tags: tagsOf(notes),
      paths,
      components: {
        schemas: schemas.components(),
        responses,
        parameters: SHARED_PARAMETERS,
        headers: HEADERS,
        securitySchemes: SECURITY,
      },
    },
    gaps: [...new Set([...gaps, ...schemas.gaps, ...unused(notes, routes, named)])],
  }
}

/**
 * The name of the original for its own operations. Of several routes that share it, as ours do with the scope they ask
 * for, it belongs to the one whose path says it, or is the shortest; the others are called as they are exported.
 */
function operationIds(routes: readonly NamedRoute[]): Map<NamedRoute, string> {
  const ids = new Map<NamedRoute, string>()
  for (const [operation, sharing] of Map.groupBy(routes, ({ route }) => route.operation)) {
    const [resource = '', action = ''] = operation.split('.')
    const home = sharing.toSorted(
      (a, b) =>
        Number(b.route.path.endsWith(`/${action}`)) - Number(a.route.path.endsWith(`/${action}`)) ||
        a.route.path.length - b.route.path.length,
    )[0]
    for (const one of sharing) ids.set(one, one === home ? operation : `${resource}.${one.name}`)
  }
  return ids
}

/** Entities are sent with their type, a link to themselves and their actions, whatever their schema says. */
function addEntityProperties(
  added: Map<string, Record<string, SchemaObject>>,
  routes: readonly NamedRoute[],
  schemas: Schemas,
) {
  const types = new Map<string, Set<string>>()
  const note = (component: string | undefined, entity: string | null | undefined) => {
    if (component && entity) types.set(component, (types.get(component) ?? new Set()).add(entity))
  }
  for (const { name, route } of routes) {
    note(schemas.nameOf(route.reply) ?? replyName(name, route.reply, schemas), route.entity)
    // The things of a list are what is answered about one of them.
    const { items } = recordOf(recordOf(route.reply)['properties'])
    if (!items || route.entity === null) continue
    const one = routes.find(({ route: { method, path } }) => method === 'GET' && isBelow(path, route.path))
    note(schemas.nameOf(recordOf(items)['items']), one?.route.entity)
  }
  for (const [component, entities] of types) {
    const _type = { type: 'string', enum: [...entities].toSorted(), description: 'What kind of thing this is.' }
    added.set(component, { _type, _links: schemas.of(LINKS, 'Links'), _actions: schemas.of(ACTIONS, 'Actions') })
  }
}

/** `/things/:thingId` is below `/things`. */
const isBelow = (path: string, list: string) =>
  path.startsWith(`${list}/:`) && !path.slice(list.length + 2).includes('/')

const LINKS: SchemaObject = {
  type: 'object',
  description: 'Where this is, unless the query says `_links=false`.',
  additionalProperties: {
    type: 'object',
    required: ['href'],
    properties: { href: { type: 'string', minLength: 1, pattern: '^/', description: 'A path of this API.' } },
  },
}

const ACTIONS: SchemaObject = {
  type: 'object',
  description: 'What the token may do with it, by the name of the action, unless the query says `_actions=false`.',
  additionalProperties: {
    type: 'object',
    required: ['href', 'method'],
    properties: {
      href: { type: 'string', minLength: 1, pattern: '^/', description: 'A path of this API.' },
      method: { type: 'string', enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], description: 'How it is asked for.' },
    },
  },
}

function tagsOf(notes: Contract['notes']): { name: string; description: string }[] {
  const described = new Map<string, string>()
  for (const { tag } of notes.values()) if (tag?.description) described.set(tag.name, tag.description)
  return [...described]
    .map(([name, description]) => ({ name, description }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function examplesOf(notes: Contract['notes']): Map<string, unknown> {
  const examples = [...notes.values()].flatMap(({ schemas = {} }) =>
    Object.entries(schemas).flatMap(([name, { example }]): [string, unknown][] =>
      example === undefined ? [] : [[componentName(name), example]],
    ),
  )
  return new Map(examples)
}

/** Notes about what is not there any more, and tags that nobody describes. */
function unused(notes: Contract['notes'], routes: readonly NamedRoute[], named: Contract['schemas']): string[] {
  const tags = new Set(tagsOf(notes).map(({ name }) => name))
  return [...notes].flatMap(([module, { tag, schemas = {}, routes: about = {} }]: [string, Notes]) => [
    ...(!tag || tags.has(tag.name)
      ? []
      : [`tag ${tag.name} is not described: do it in contract/openapi/notes/${module}.ts`]),
    ...Object.keys(about)
      .filter((name) => !routes.some((one) => one.module === module && one.name === name))
      .map((name) => `notes/${module}.ts is about ${name}, which is no route of contract/${module}.ts`),
    ...Object.keys(schemas)
      .filter((name) => !named.some((one) => one.module === module && one.name === name))
      .map((name) => `notes/${module}.ts is about ${name}, which is no schema of contract/${module}.ts`),
  ])
}
