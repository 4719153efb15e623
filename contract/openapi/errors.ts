/** The errors of the reference: which an operation answers by rule, and what each of them looks like. */

import { ApiError } from '../errors.ts'
import { takesKey } from '../repeats.ts'
import type { Route } from '../route.ts'
import { API_VERSION } from '../version.ts'
import type { ErrorNote } from './notes.ts'
import { capital, recordOf, type SchemaObject, type Schemas } from './schemas.ts'

interface SharedError {
  /** Its name among the shared responses. */
  readonly name: string
  readonly description: string
  readonly examples: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly headers?: Readonly<Record<string, string>>
}

/** What all operations that answer a status have in common. */
const SHARED: Readonly<Record<number, SharedError>> = {
  401: {
    name: 'Unauthorized',
    description: 'The token was not signed by this installation, has expired or was revoked.',
    examples: {
      invalid: example('Unauthorized', 'Invalid access token'),
      expired: example('Unauthorized', 'Access token has expired'),
    },
  },
  403: {
    name: 'Forbidden',
    description:
      'There is no token, or it has none of the scopes that this operation accepts; or as many things are there as are allowed.',
    examples: { scope: example('Forbidden', 'Access is forbidden') },
  },
  413: {
    name: 'TooLarge',
    description: 'The body, or the file in it, has more bytes than are allowed.',
    examples: {
      body: example(
        'LimitExceeded',
        'The body is larger than the 1000000 bytes that are allowed (FIELDBOOK_BODY_SIZE)',
        {
          limit: { name: 'bodyBytes', of: 'installation', allowed: 1_000_000 },
        },
      ),
    },
  },
  415: {
    name: 'UnsupportedMediaType',
    description: 'The body is of a media type that this operation does not read.',
    examples: {
      xml: example(
        'Validation',
        'The content-type must be application/json, or multipart/form-data where a file is uploaded',
      ),
    },
  },
  409: {
    name: 'KeyConflict',
    description: 'The first request with this `Idempotency-Key` is still under way, or nobody knows what became of it.',
    examples: {
      underWay: example(
        'Conflict',
        'The first request with this Idempotency-Key is still under way; ask again for its answer',
      ),
    },
  },
  422: {
    name: 'KeyReused',
    description: 'The `Idempotency-Key` stands for another request.',
    examples: {
      other: example(
        'Validation',
        'This Idempotency-Key stands for another request of yours; a new request needs a new key',
      ),
    },
  },
  429: {
    name: 'TooManyRequests',
    description: 'There were as many requests from this address, or with this token, as are allowed.',
    examples: {
      rate: example(
        'LimitExceeded',
        'There were 600 requests with this token, as many as are allowed; try again in 42 s',
        {
          limit: { name: 'callerRequests', of: 'installation', allowed: 600, used: 600 },
        },
      ),
    },
    headers: {
      'Retry-After': 'RetryAfter',
      'RateLimit-Limit': 'RateLimitLimit',
      'RateLimit-Remaining': 'RateLimitRemaining',
      'RateLimit-Reset': 'RateLimitReset',
    },
  },
  503: {
    name: 'Unavailable',
    description: 'A part of the service starts, or the service is closing. The same request works later.',
    examples: { busy: example('Unavailable', 'The database is starting again; try again') },
    headers: { 'Retry-After': 'RetryAfter' },
  },
}

/** Statuses of shared responses that every operation of this kind may answer. */
function statusesOf(route: Route): number[] {
  const { authenticated, body, file } = route
  const sendsBody = body !== null || file !== null
  return [
    ...(authenticated ? [401, 403] : []),
    ...(takesKey(route) ? [409, 422] : []),
    ...(sendsBody ? [413, 415] : []),
    429,
    503,
  ]
}

/** All error responses of an operation, by status: the shared ones by reference, those that are its own in full. */
export function errorResponses(
  route: Route,
  notes: Readonly<Record<number, ErrorNote>>,
  schemas: Schemas,
): Record<string, SchemaObject> {
  const shared = statusesOf(route).map((status): [string, SchemaObject] => [
    String(status),
    { $ref: `#/components/responses/${SHARED[status]?.name}` },
  ])
  const missing = notFoundMessage(route)
  const all = {
    ...Object.fromEntries(shared),
    400: response(
      { name: 'Invalid', description: INVALID, examples: { fault: example('Validation', faultMessage(route)) } },
      schemas,
    ),
    ...(missing
      ? {
          404: response(
            { name: 'NotFound', description: NOT_FOUND, examples: { absent: example('NotFound', missing) } },
            schemas,
          ),
        }
      : {}),
    ...Object.fromEntries(
      Object.entries(notes).map(([status, note]) => [status, ownError(route, Number(status), note, schemas)]),
    ),
  }
  return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => Number(a) - Number(b)))
}

const INVALID =
  'Something in the path, the query, the headers or the body is not as it may be. The message names the field, and says what was wrong and what is allowed.'
const NOT_FOUND =
  'There is nothing of that id that this token may see; what is absent and what is foreign look the same.'

/** A fault that a request of this route can have, in the words of the service. */
function faultMessage({ body, file, params, query }: Route): string {
  if (file) return `${file} is required`
  if (body) {
    const [first] = listOf(recordOf(body.schema)['required'])
    return first === undefined ? `${body.name} is required` : `${body.name}.${first} is required`
  }
  const [required] = listOf(recordOf(query)['required'])
  if (required !== undefined) return `${required} is required`
  if ('sortDirection' in recordOf(recordOf(query)['properties']))
    return 'sortDirection must be one of asc, desc, ASC, DESC'
  const [id] = Object.keys(recordOf(recordOf(params)['properties']))
  if (id) return `${id} must be 24 hexadecimal digits`
  return `Accept-Version ^2.0.0 is not served here; the version of this API is ${API_VERSION}`
}

/** What is said when the last thing in the path is not there; undefined where the path names none. */
function notFoundMessage({ params }: Route): string | undefined {
  const id = Object.keys(recordOf(recordOf(params)['properties'])).at(-1)
  return id && `${THINGS[id] ?? capital(id.replace(/Id$/, ''))} was not found`
}

/** Things that are called otherwise than their ids. */
const THINGS: Readonly<Record<string, string>> = {
  name: 'Device Attribute',
  dataTableId: 'Data table',
  rowId: 'Data table row',
  privateFileId: 'File',
  jobId: 'Application job log',
  apiTokenId: 'API token',
  applicationKeyId: 'Application key',
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'Validation',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Gone',
  413: 'LimitExceeded',
  429: 'LimitExceeded',
  503: 'Unavailable',
}

function ownError(route: Route, status: number, note: ErrorNote, schemas: Schemas): SchemaObject {
  const { when, message, type, also = {}, retryAfter = status === 429 } = note
  const shared = statusesOf(route).includes(status) ? SHARED[status] : undefined
  return response(
    {
      name: 'Own',
      description: shared ? `${when} Or: ${shared.description}` : when,
      examples: { own: example(type ?? TYPES[status] ?? 'Error', message), ...also, ...shared?.examples },
      headers: { ...(retryAfter ? { 'Retry-After': 'RetryAfter' } : {}), ...shared?.headers },
    },
    schemas,
  )
}

/** The shared responses as components. */
export function sharedResponses(schemas: Schemas): Record<string, SchemaObject> {
  const all = Object.values(SHARED).map((shared): [string, SchemaObject] => [shared.name, response(shared, schemas)])
  return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function response({ description, examples, headers = {} }: SharedError, schemas: Schemas): SchemaObject {
  const refs = Object.entries(headers).map(([name, component]) => [name, { $ref: `#/components/headers/${component}` }])
  return {
    description,
    ...(refs.length > 0 ? { headers: Object.fromEntries(refs) } : {}),
    content: {
      'application/json': {
        schema: schemas.of(ApiError),
        examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
      },
    },
  }
}

function example(type: string, message: string, more: object = {}) {
  return { type, message, ...more }
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
