/** One route of the contract as one operation of the document. */

import type { TSchema } from 'typebox'
import { JobQueued } from '../job-logs.ts'
import type { Route } from '../route.ts'
import type { NamedRoute } from './contract.ts'
import { answerHeaders, EITHER_WAY } from './conventions.ts'
import { errorResponses } from './errors.ts'
import { replyExample, schemaExample } from './examples.ts'
import type { AnswerNote, RouteNote } from './notes.ts'
import { parametersOf, type WordsForParameters } from './parameters.ts'
import { capital, recordOf, type SchemaObject, type Schemas } from './schemas.ts'
import { sharedParametersOf } from './shared-parameters.ts'

export interface Explained {
  readonly named: NamedRoute
  readonly operationId: string
  readonly tag: string
  readonly note: RouteNote
  /** That the original does not have it. */
  readonly isOwn: boolean
}

export interface Sources {
  readonly schemas: Schemas
  readonly words: WordsForParameters
  /** Examples of components by their name. */
  readonly examples: ReadonlyMap<string, unknown>
  readonly gaps: string[]
}

const JSON_TYPE = 'application/json'

/** The operation; what is missing of it is added to the gaps. */
export function operationOf({ named, operationId, tag, note, isOwn }: Explained, sources: Sources): SchemaObject {
  const { route } = named
  const parameters = [...parametersOf(named, note, sources), ...sharedParametersOf(route)]
  return {
    operationId,
    tags: [tag],
    summary: route.summary.replace(/\.$/, ''),
    description: descriptionOf(named, note, isOwn),
    ...(isOwn ? { 'x-own': true } : {}),
    ...(isOwn || operationId === route.operation ? {} : { 'x-operation': route.operation }),
    ...(route.authenticated ? { 'x-scopes': route.scopes } : {}),
    security: route.authenticated ? EITHER_WAY : [],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...requestBody(named, note, sources),
    responses: { ...answers(named, note, sources), ...errorResponses(route, note.errors ?? {}, sources.schemas) },
  }
}

/** What the summary says, what the notes add, and what follows from the kind of the route. */
function descriptionOf({ route }: NamedRoute, note: RouteNote, isOwn: boolean): string {
  const isList = 'perPage' in recordOf(recordOf(route.query)['properties'])
  const isJob = isQueued(route.reply) || branches(route.reply).some(isQueued)
  return [
    `${route.summary.replace(/\.$/, '')}.`,
    note.more,
    isOwn && 'This is ours: the original does not have it.',
    isList &&
      'A list comes page by page: `page` counts from 0, `perPage` is at most 1,000, and `totalCount` tells how many there are.',
    route.file &&
      `The bytes come as the part \`${route.file}\` of a \`multipart/form-data\` body; a file may have any name.`,
    isJob &&
      'Work that goes on after the answer is a job: its `jobId` opens its log, which says how it ended and where its files are.',
    route.authenticated && 'Any one of the scopes in `x-scopes` is enough.',
  ]
    .filter((part) => typeof part === 'string')
    .join('\n\n')
}

function requestBody(named: NamedRoute, note: RouteNote, sources: Sources): SchemaObject {
  const { name, route } = named
  const { body, file } = route
  if (file !== null) {
    const example = note.request ?? { [file]: 'the bytes of the file' }
    const part = {
      type: 'string',
      contentMediaType: 'application/octet-stream',
      description: 'The bytes of the file.',
      minLength: 1,
    }
    const schema = { type: 'object', required: [file], properties: { [file]: part } }
    return {
      requestBody: {
        required: true,
        description: `The file, as the part \`${file}\`.`,
        content: { 'multipart/form-data': { schema, example } },
      },
    }
  }
  if (body === null) return {}
  const example = note.request ?? schemaExample(body.schema, sources)
  if (example === undefined)
    sources.gaps.push(
      `operation ${name} has no example of its body: write one in ${placeOf(named)}.request, or as the example of its schema in the notes of that`,
    )
  const schema = sources.schemas.of(body.schema, `${capital(name)}Body`)
  return {
    requestBody: {
      required: body.optional !== true,
      'x-name': body.name,
      description: `The \`${body.name}\`, as messages about it call it.`,
      content: { [JSON_TYPE]: { schema, ...(example === undefined ? {} : { example }) } },
    },
  }
}

const placeOf = ({ module, name }: NamedRoute) => `contract/openapi/notes/${module}.ts, as routes.${name}`

function answers(named: NamedRoute, note: RouteNote, sources: Sources): Record<string, SchemaObject> {
  if (note.answers) return mapAnswers(named.route, note.answers)
  const { route } = named
  const all = branches(route.reply)
  const queued = all.find(isQueued)
  if (all.length > 1 && queued && route.status !== 202) {
    const others = all.filter((branch) => branch !== queued)
    return {
      [route.status]: jsonAnswer(named, others.length === 1 ? others[0] : { anyOf: others }, note.reply, sources),
      202: jsonAnswer(named, JobQueued, undefined, sources),
    }
  }
  return { [route.status]: jsonAnswer(named, route.reply, note.reply, sources) }
}

function jsonAnswer(named: NamedRoute, reply: unknown, own: unknown, sources: Sources): SchemaObject {
  const { name, route } = named
  const example = own ?? replyExample(reply, route, sources)
  if (example === undefined)
    sources.gaps.push(
      `operation ${name} has no example of its answer: write one in ${placeOf(named)}.reply, or as the example of its schema in the notes of that`,
    )
  const schema = sources.schemas.of(reply, replyName(name, reply, sources.schemas))
  return {
    description: isQueued(reply) ? 'A job does it; this is where to ask for it.' : SUCCESS[route.status],
    headers: answerHeaders(route),
    content: { [JSON_TYPE]: { schema, ...(example === undefined ? {} : { example }) } },
  }
}

const SUCCESS: Record<number, string> = {
  200: 'It went well.',
  201: 'It was made.',
  202: 'It was accepted and goes on.',
}

/** A list is called after its items; what is of no schema with a name after its operation; arrays and the like need none. */
export function replyName(route: string, reply: unknown, schemas: Schemas): string | undefined {
  const { type, properties } = recordOf(reply)
  if (type !== 'object' || !properties) return undefined
  const { items, page } = recordOf(properties)
  const item = items && page && schemas.nameOf(recordOf(items)['items'])
  return item ? `${item}List` : `${capital(route)}Reply`
}

function mapAnswers(route: Route, notes: Readonly<Record<number, AnswerNote>>): Record<string, SchemaObject> {
  return Object.fromEntries(
    Object.entries(notes).map(([status, { description, mediaType, example, headers }]) => [
      status,
      {
        description,
        headers: { ...headersOf(headers ?? {}), ...answerHeaders(route) },
        ...(mediaType
          ? {
              content: { [mediaType]: { schema: { type: 'string', description: 'The text of the answer.' }, example } },
            }
          : {}),
      },
    ]),
  )
}

const headersOf = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  )

const branches = (schema: TSchema): unknown[] => {
  const { anyOf } = recordOf(schema)
  return Array.isArray(anyOf) ? anyOf : [schema]
}

const isQueued = (schema: unknown) => JSON.stringify(schema) === JSON.stringify(JobQueued)
