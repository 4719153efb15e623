/**
 * Which requests are deeds, and what of them is written down: who, what, where from, and how it ended; of a body only the
 * names at its top. Rows are in access/deeds.ts.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { changes } from '../../contract/repeats.ts'
import type { Route } from '../../contract/route.ts'
import { actorOf, type Caller } from '../access/callers.ts'
import { openCountedDeeds } from '../access/counted-deeds.ts'
import { type Deed, type Outcome, writeDeed, writeOutcome } from '../access/deeds.ts'
import { enter, requireGood } from '../access/entry.ts'
import type { Standings } from '../access/standings.ts'
import { AppError, messageOf } from '../ground/errors.ts'
import { isId } from '../ground/ids.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'

export interface Witnessed {
  readonly request: FastifyRequest
  readonly route: Route
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
}

export interface Deeds {
  /** Lets `check` refuse, and writes down who was refused: in an application that they may see, or what is about none. */
  refusals<T>(asked: Witnessed, check: () => Promise<T>): Promise<T>
  /** Writes a request down before its work; how it ended is written before it is answered. */
  witness(asked: Witnessed, idempotencyId: string | undefined, work: () => Promise<FastifyReply>): Promise<FastifyReply>
  /** Says that a request without a token did what it asked for, for this user, whatever it is answered. */
  doneFor(request: FastifyRequest, userId: string): void
  /** Writes what was counted so far. */
  write(): Promise<void>
}

/** Names of a body that are kept, and characters of each. */
const MAX_FIELDS = 50
const MAX_NAME = 100
/** Longer answers are not looked into for what was made. */
const MAX_ANSWER = 64 * 1024

/** Reading these is a deed: they give away what opens doors. */
const SECRETS = new Set(['callbackSecret.get', 'me.refreshToken'])
/** What programs do many times a minute. */
const FREQUENT = new Set(['device.sendState', 'device.setConnectionStatus', 'dataTableRows.post'])
/** What a device reports is written down with the report itself: each has its device and its time. */
const REPORTS = new Set(['device.sendState', 'device.setConnectionStatus'])

/** How a request is written down: with a row of its own, counted by the minute, or not at all. */
export function treatmentOf(route: Route, kind: Caller['kind']): 'each' | 'counted' | 'none' {
  const { operation, authenticated } = route
  if (SECRETS.has(operation)) return 'each'
  if (!changes(route)) return 'none'
  if (!authenticated) return 'counted'
  if (!FREQUENT.has(operation)) return 'each'
  return kind === 'device' && REPORTS.has(operation) ? 'none' : 'counted'
}

export interface DeedParts {
  readonly db: Queryable
  readonly log: Log
  readonly standings: Pick<Standings, 'of'>
}

type Ending = (outcome: Outcome, answer: Answer) => Promise<void> | void

/** Over the database. */
export function createDeeds(app: FastifyInstance, { db, log, standings }: DeedParts): Deeds {
  const counted = openCountedDeeds(db, log)
  app.addHook('onClose', () => counted[Symbol.asyncDispose]())
  const done = new WeakMap<FastifyRequest, string>()
  const endings = new WeakMap<FastifyRequest, Ending>()

  // Before the answer leaves, and before it is compressed.
  app.addHook('onSend', (request, reply, payload, next) => {
    const write = endings.get(request)
    if (!write) return next(null, payload)
    endings.delete(request)
    void end(request, reply, payload, write).then(() => next(null, payload))
  })
  const end = async (request: FastifyRequest, reply: FastifyReply, payload: unknown, write: Ending): Promise<void> => {
    const status = reply.statusCode
    try {
      const answer = readAnswer(payload)
      const madeId = request.method === 'POST' && status < 300 ? madeBy(answer) : undefined
      await write({ status, madeId }, answer)
    } catch (error) {
      // The deed stands, and so does its row, without its end.
      log.error({ requestId: request.id, status, error: messageOf(error) }, 'end of a deed not written down')
    }
  }

  const refusals: Deeds['refusals'] = async (asked, check) => {
    try {
      return await check()
    } catch (error) {
      if (error instanceof AppError && error.kind === 'forbidden') await refused(asked)
      throw error
    }
  }
  const refused = async (asked: Witnessed): Promise<void> => {
    const treatment = treatmentOf(asked.route, asked.caller.kind)
    if (treatment === 'none' || !(await isSomebody(standings, asked))) return
    if (treatment === 'counted') return counted.add({ ...countable(asked), status: FORBIDDEN })
    await writeDeed(db, { ...deedOf(asked), status: FORBIDDEN })
  }

  const witness: Deeds['witness'] = async (asked, idempotencyId, work) => {
    const treatment = treatmentOf(asked.route, asked.caller.kind)
    if (treatment === 'each') {
      const id = await writeDeed(db, { ...deedOf(asked), idempotencyId })
      endings.set(asked.request, (outcome) => writeOutcome(db, id, outcome))
    } else if (treatment === 'counted') {
      const deed = asked.route.authenticated ? countable : signIn
      endings.set(asked.request, ({ status }, answer) => {
        const userId = done.get(asked.request)
        if (userId === undefined) return counted.add({ ...deed(asked, answer), status })
        counted.add({ ...deed(asked, { userId }), status: asked.route.status })
      })
    }
    return work()
  }
  const doneFor: Deeds['doneFor'] = (request, userId) => {
    done.set(request, userId)
  }
  return { refusals, witness, doneFor, write: counted.write }
}

const FORBIDDEN = 403

/**
 * Whether callers see the application they were refused something in, because what is foreign to them has no log for
 * them; where it is about none, whether they are good at all. A device that reaches for another one is inside all the same.
 */
async function isSomebody(
  standings: DeedParts['standings'],
  { request, caller, params: { applicationId } }: Witnessed,
): Promise<boolean> {
  const visit = { address: request.ip }
  try {
    if (applicationId === undefined) await requireGood(standings.of, caller, visit)
    else await enter(standings.of, caller, applicationId, 'viewer', visit)
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}

const deedOf = ({ request, route, caller, params }: Witnessed): Deed => ({
  applicationId: params['applicationId'],
  actor: actorOf(caller),
  operation: route.operation,
  path: pathOf(params),
  fields: fieldsOf(request.body),
  clientAddress: request.ip,
  requestId: request.id,
})

/** Without the device: a row for each of a thousand would be no count. */
function countable(asked: Witnessed) {
  const { applicationId, actor, operation, path, clientAddress } = deedOf(asked)
  const { deviceId: _, ...rest } = path
  return { applicationId, actor, operation, path: rest, clientAddress }
}

/** Who signed in is in the answer; who failed to, only known when a user has the address that was given. */
function signIn({ request, route }: Witnessed, answer: Answer) {
  const [userId, applicationId] = [idIn(answer, 'userId'), idIn(answer, 'applicationId')]
  const email = userId === undefined ? textIn(request.body, 'email') : undefined
  const actor = userId === undefined ? undefined : ({ type: 'user', id: userId } as const)
  return { applicationId, actor, operation: route.operation, path: {}, clientAddress: request.ip, email }
}

/** Ids and names; whatever else a path has may be a secret. */
const pathOf = (params: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => /(?:Id|Name)$/.test(name))
      .map(([name, value]) => [name, value.slice(0, MAX_NAME)]),
  )

function fieldsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return []
  return Object.keys(body)
    .slice(0, MAX_FIELDS)
    .map((name) => name.slice(0, MAX_NAME))
}

type Answer = Readonly<Record<string, unknown>>

function readAnswer(payload: unknown): Answer {
  if (typeof payload !== 'string' || payload.length > MAX_ANSWER || !payload.startsWith('{')) return {}
  return JSON.parse(payload)
}

/** What an answer says was made: a thing, an execution, or a job. */
const madeBy = (answer: Answer) => idIn(answer, 'executionId') ?? idIn(answer, 'id') ?? textIn(answer, 'jobId')

function idIn(from: unknown, name: string): string | undefined {
  const text = textIn(from, name)
  return text !== undefined && isId(text) ? text : undefined
}

function textIn(from: unknown, name: string): string | undefined {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return undefined
  const value: unknown = Reflect.get(from, name)
  return typeof value === 'string' && value.length <= 1024 ? value : undefined
}
