/**
 * One contract route as one Fastify route: parameters and body are checked first, then the token, then its scope, as
 * the original orders it (behaviour dossier §6.7), then the handler runs with typed values.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import { changes } from '../../contract/repeats.ts'
import type { BodyOf, ParamsOf, QueryOf, Route } from '../../contract/route.ts'
import type { Role } from '../../contract/scopes.ts'
import type { Caller, UserCaller } from '../access/callers.ts'
import { enter, reaches, requireGood, type Visit } from '../access/entry.ts'
import { allows } from '../access/scopes.ts'
import type { Standings } from '../access/standings.ts'
import type { Tokens } from '../access/tokens.ts'
import { requireOwner } from '../access/users.ts'
import { forbidden, invalid } from '../ground/errors.ts'
import { isId } from '../ground/ids.ts'
import type { MostBytes } from '../ground/sizes.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { clientOf } from './client-address.ts'
import type { Deeds } from './deeds.ts'
import type { Wrap } from './envelope.ts'
import { type Repeats, readKey, type Settle } from './idempotency.ts'
import { readQueryParameters } from './query-parameters.ts'
import { readFilePart, takeFilePart } from './uploads.ts'
import { createCheck } from './validation.ts'

export interface UploadedFile {
  readonly name: string
  readonly content: Buffer
}

export interface Call<T> {
  readonly params: ParamsOf<T>
  readonly query: QueryOf<T>
  readonly body: BodyOf<T>
  /** The file part in memory, at most so many bytes of it. Only called by routes with one, as the next. */
  readonly file: (most: MostBytes) => Promise<UploadedFile>
  /** The bytes of the file part as they arrive, for one that is too large for memory. */
  readonly storeFile: <R>(store: (content: AsyncIterable<Uint8Array>) => Promise<R>) => Promise<R>
  readonly caller: Caller
  /**
   * For answers that take long: the checks of the door once more, since the token may have ended meanwhile, or what its
   * caller is. @throws unauthenticated, notFound, forbidden
   */
  readonly enterAgain: () => Promise<void>
  /** Whether the caller may ask for another route about the same application. */
  readonly may: (route: Route) => boolean
  /** Where the request came from, as far as is known: one for all addresses of a client (client-address.ts). */
  readonly address: string
  /** The very address, for what lets some addresses in and others not. */
  readonly exactAddress: string
  /** `http://host:port` as the client sees it, for links in the answer to it. */
  readonly baseUrl: string
  /** The same for links that others are told in mails and callbacks: nothing that the client said decides it. */
  readonly sharedUrl: string
  /** For handlers whose effect is one transaction: called in it, last, with what will be answered (idempotency.ts). */
  readonly settle: Settle
  /** For handlers without a token that refuse to give one after their work: for whom it was done (deeds.ts). */
  readonly doneFor: (userId: string) => void
}

export interface Door {
  /** Counts a request of a caller. @throws limited when it is one too many */
  readonly countCaller: (caller: Caller, reply: FastifyReply) => void
  readonly app: FastifyInstance
  /** Every route that is served, in the order in which they were registered. */
  readonly routes: Route[]
  readonly tokens: Tokens
  readonly baseUrl: (request: FastifyRequest) => string
  readonly sharedUrl: (request: FastifyRequest) => string
  /** Lets the caller of a route into the application it is about, or refuses; gives what they are in it, if there is one. */
  readonly enter: (
    caller: Caller,
    applicationId: string | undefined,
    route: Route,
    visit?: Visit,
  ) => Promise<Role | undefined>
  /** Puts type, links and actions around answers. */
  readonly wrap: Wrap
  /** Called before the answer of whatever may have changed what a caller is. */
  readonly forgetStandings: () => void
  /** Refuses a body that is larger than the application allows. */
  readonly requireBodySize: (request: FastifyRequest, applicationId: string) => Promise<void>
  /** Does a request once for each Idempotency-Key. */
  readonly repeats: Repeats
  /** Writes down who did what. */
  readonly deeds: Deeds
}

const ANONYMOUS: Caller = { kind: 'user', userId: '', scope: [] }

/** A route whose handler answers by itself: a stream, or bytes that are no JSON. */
export function serveRaw<T extends Route<TObject, TObject, TSchema, TSchema>>(
  door: Door,
  route: T,
  handle: (call: Call<T>, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  register(door, route, handle)
}

/**
 * Registers a route. What the handler gives becomes the JSON answer; a 200 route's handler gives exactly what the
 * contract's reply says, which the journeys check.
 */
export function serve<T extends Route<TObject, TObject, TSchema, TSchema>>(
  door: Door,
  route: T,
  handle: (call: Call<T>) => Promise<unknown>,
): void {
  register(door, route, async (call, request, reply) => {
    const answer = await handle(call)
    if (changesStandings(route)) door.forgetStandings()
    // Of any route they are texts, which its own type does not say here.
    const params = call.params as Readonly<Record<string, string>>
    const asked = { route, params, query: asRecord(request.query), may: call.may }
    return reply.code(isQueued(answer) ? 202 : route.status).send(door.wrap(asked, answer))
  })
}

/**
 * Accounts, and what only admins may do to an application or members to themselves. The database tells it too, and every
 * service, but the caller's next request could be here before that.
 */
const changesStandings = ({ authenticated, method, path, role }: Route) =>
  authenticated &&
  method !== 'GET' &&
  (role === 'admin' || !path.includes('/:applicationId/') || path.includes('/members'))

/** Work that goes on after the answer is accepted, not done, whatever the route answers otherwise. */
const isQueued = (answer: unknown) => typeof answer === 'object' && answer !== null && 'jobQueued' in answer

function register<T extends Route<TObject, TObject, TSchema, TSchema>>(
  door: Door,
  route: T,
  handle: (call: Call<T>, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  door.routes.push(route)
  const checkParams = createCheck(route.params)
  const checkQuery = createCheck(route.query)
  const checkBody = route.body ? createCheck(route.body.schema) : undefined
  door.app.route({
    method: route.method,
    url: route.path,
    config: { bodyName: route.body?.name, onlyReads: !changes(route) },
    handler: async (request, reply) => {
      const query = readQueryParameters(route.query, asRecord(request.query))
      checkParams(request.params)
      checkQuery(query)
      readKey(route, request.headers)
      if (route.body && checkBody) {
        request.body ??= route.body.optional ? {} : undefined
        if (request.body === undefined) throw invalid(`${route.body.name} is required`)
        checkBody(request.body, route.body.name)
      }
      const caller = route.authenticated ? await authenticate(door.tokens, request, query) : ANONYMOUS
      if (route.authenticated) door.countCaller(caller, reply)
      const params = lowerCaseIds(request.params)
      const { applicationId, deviceId } = params
      const asked = { request, reply, route, caller, params, query, body: request.body }
      let role: Role | undefined
      if (route.authenticated) {
        role = await door.deeds.refusals(asked, async () => {
          if (!allows(caller.scope, route.scopes)) throw forbidden()
          return door.enter(caller, applicationId, route, { deviceId, address: request.ip })
        })
        if (applicationId !== undefined) await door.requireBodySize(request, applicationId)
      }
      const call: Omit<Call<T>, 'settle'> = {
        // Checked against the route's own schemas just above.
        params: params as ParamsOf<T>,
        query: query as QueryOf<T>,
        body: request.body as BodyOf<T>,
        file: (most) => readFilePart(request, route.file ?? '', most),
        storeFile: (store) => takeFilePart(request, route.file ?? '', ({ content }) => store(content)),
        caller,
        enterAgain: async () => {
          const again = await authenticate(door.tokens, request, query)
          await door.enter(again, applicationId, route, { deviceId, address: request.ip })
        },
        may: (other) => allows(caller.scope, other.scopes) && (role === undefined || reaches(role, other.role)),
        address: clientOf(request.ip),
        exactAddress: request.ip,
        baseUrl: door.baseUrl(request),
        sharedUrl: door.sharedUrl(request),
        doneFor: (userId) => door.deeds.doneFor(request, userId),
      }
      return door.repeats.answerOnce(asked, (settle) =>
        door.deeds.witness(asked, door.repeats.idOf(request), () => handle({ ...call, settle }, request, reply)),
      )
    },
  })
}

/**
 * Of routes about an application the caller has to be somebody in it; of the others, a user, because they are about what
 * a user has, or about the installation, for its owners. Who owns it is remembered nowhere: whoever does no more is
 * refused by every service at once.
 */
export const entryTo =
  (standings: Standings, db: Queryable): Door['enter'] =>
  async (caller, applicationId, { role, owner }, visit) => {
    if (applicationId !== undefined) return enter(standings.of, caller, applicationId, role, visit)
    await requireGood(standings.of, caller, visit)
    if (caller.kind !== 'user') throw forbidden()
    if (owner) await requireOwner(db, caller.userId)
    return undefined
  }

/** The user who calls a route that is about what a user has. @throws forbidden for anybody else */
export function requireUser(caller: Caller): UserCaller {
  if (caller.kind !== 'user') throw forbidden()
  return caller
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

/** Ids may be written in capitals; ours are kept in small letters. Other parts of a path, as names, are as they are. */
const lowerCaseIds = (params: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(asRecord(params)).map(([name, value]) => {
      const text = String(value)
      return [name, name.endsWith('Id') && isId(text) ? text.toLowerCase() : text]
    }),
  )

/** The first of the places the original looks in: two query parameters, then the header. */
async function authenticate(tokens: Tokens, request: FastifyRequest, query: Record<string, unknown>): Promise<Caller> {
  const [, bearer] = /^(?:bearer|jwt) +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  const token = query['access_token'] || query['jwt'] || bearer
  if (!token) throw forbidden()
  return tokens.verify(String(token))
}
