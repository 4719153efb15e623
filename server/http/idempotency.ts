/**
 * `Idempotency-Key` on POSTs (draft-ietf-httpapi-idempotency-key-header): the same request with the same key is done once
 * and answered the same again. Rows and rules are in access/idempotency-keys.ts.
 */

import { createHash, createHmac } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { executeNotebook, rerunExecution } from '../../contract/executions.ts'
import { takesKey } from '../../contract/repeats.ts'
import type { Route } from '../../contract/route.ts'
import { actorOf, type Caller } from '../access/callers.ts'
import * as keys from '../access/idempotency-keys.ts'
import { openSealed, sealing } from '../access/sealing.ts'
import { AppError, conflict, type ErrorKind, invalid, messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'

/** Written by work that has its effect in one transaction, at the end of it: from then on this is the answer. */
export type Settle = (tx: Queryable, answer: object) => Promise<void>

export const SETTLES_NOTHING: Settle = async () => {}

export interface Repeatable {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly route: Route
  readonly caller: Caller
  /** As they were read; with the route and the scope, they make a request the same. */
  readonly params: object
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

export interface Repeats {
  /** Does the work once for each key; without a key, whenever it is asked for. */
  answerOnce(asked: Repeatable, work: (settle: Settle) => Promise<FastifyReply>): Promise<FastifyReply>
  /** The id that a request with a key is written down under. */
  idOf(request: FastifyRequest): string | undefined
}

/** Says of an answer that it is an earlier one. */
export const REPLAYED = 'idempotency-replayed'
/** Larger ones are not kept. A thousand ids, the longest answer to rows, are half of it. */
const MAX_ANSWER_BYTES = 64 * 1024
/** A third of a lease, so that one that comes late is no death. */
const RENEW_MS = keys.LEASE_MS / 3

/** A key: 1 to 255 visible characters, in the quotes of a structured field or without them. @throws invalid */
export function readKey(
  { method, file, authenticated }: Route,
  headers: FastifyRequest['headers'],
): string | undefined {
  const text = headers['idempotency-key']
  if (text === undefined || method !== 'POST' || !authenticated) return undefined
  if (file !== null) {
    throw invalid(
      'Idempotency-Key is not taken with uploads: what is uploaded again replaces what was, so leave it out and repeat the upload',
    )
  }
  const key = String(text).replace(/^"(.*)"$/, '$1')
  if (/^[!-~]{1,255}$/.test(key)) return key
  throw invalid('Idempotency-Key must be 1 to 255 visible ASCII characters, without spaces')
}

interface Open {
  readonly hold: keys.Hold
  readonly seal: (answer: string) => Buffer
  /** Another try is to do the work. */
  isFailed: boolean
}

/** Over the database; `secret` is what answers are enciphered with, together with their keys. */
export function createRepeats(
  app: FastifyInstance,
  { db, log, secret }: { readonly db: Queryable; readonly log: Log; readonly secret: Buffer },
): Repeats {
  const open = new Map<FastifyRequest, Open>()
  const ids = new WeakMap<FastifyRequest, string>()
  const written = (what: string, work: Promise<void>) =>
    work.catch((error: unknown) => log.warn({ error: messageOf(error) }, `${what} of a request not recorded`))

  const timer = setInterval(() => {
    if (open.size > 0)
      void written(
        'sign of life',
        keys.renew(
          db,
          [...open.values()].map(({ hold }) => hold),
        ),
      )
  }, RENEW_MS).unref()
  app.addHook('onClose', async () => clearInterval(timer))

  // Before the answer leaves, and before it is compressed.
  app.addHook('onSend', async (request, reply, payload) => {
    const one = open.get(request)
    if (!one) return payload
    open.delete(request)
    const { hold, seal, isFailed } = one
    if (isFailed || reply.statusCode >= 500) await written('failure', keys.release(db, hold))
    else await written('answer', keys.keepAnswer(db, hold, kept(reply.statusCode, payload, seal)))
    return payload
  })

  const answerOnce: Repeats['answerOnce'] = async (asked, work) => {
    const { request, reply, route, caller } = asked
    const key = readKey(route, request.headers)
    if (key === undefined || !takesKey(route)) return work(SETTLES_NOTHING)
    const turn = await keys.takeTurn(db, {
      caller: actorOf(caller),
      keyHash: createHash('sha256').update(key).digest(),
      fingerprint: fingerprintOf(secret, asked),
      settles: SETTLING.has(route.path),
    })
    ids.set(request, turn.is === 'ours' ? turn.hold.id : turn.id)
    if (turn.is === 'answered') return replay(reply, turn.answer, secret, key)
    const seal = sealing(secret, key)
    const one: Open = { hold: turn.hold, seal, isFailed: false }
    open.set(request, one)
    const settle: Settle = (tx, answer) => keys.settle(tx, turn.hold, kept(route.status, JSON.stringify(answer), seal))
    try {
      return await work(settle)
    } catch (error) {
      one.isFailed = !(error instanceof AppError) || OF_THE_MOMENT.has(error.kind)
      throw error
    }
  }
  return { answerOnce, idOf: (request) => ids.get(request) }
}

/** What is refused because of how things are just now may be asked for again with the same key. */
const OF_THE_MOMENT = new Set<ErrorKind>([
  'unauthenticated',
  'secondFactor',
  'locked',
  'conflict',
  'full',
  'limited',
  'unavailable',
])

/** Their effect is one transaction, which settles the key. */
const SETTLING = new Set([executeNotebook.path, rerunExecution.path])

function kept(status: number, payload: unknown, seal: Open['seal']): keys.KeptAnswer {
  const isKept = typeof payload === 'string' && Buffer.byteLength(payload) <= MAX_ANSWER_BYTES
  return { status, content: isKept ? seal(payload) : null }
}

function replay(reply: FastifyReply, { status, content }: keys.KeptAnswer, secret: Buffer, key: string): FastifyReply {
  const text = content && openSealed(secret, key, content)
  if (typeof text !== 'string') {
    throw conflict(
      `The first request with this Idempotency-Key was answered with ${status}, and nothing was done again; its answer was too large to be kept, so read what it made`,
    )
  }
  return reply.code(status).header(REPLAYED, 'true').type('application/json; charset=utf-8').send(text)
}

/**
 * Tokens may be others by the time of the second request, and who calls is compared apart. But one with another scope is
 * told nothing: what an answer holds may be more than that scope reads. Some bodies have passwords, which nobody shall be
 * able to guess at with a copy of the database alone.
 */
function fingerprintOf(secret: Buffer, { route: { method, path }, caller, params, query, body }: Repeatable): Buffer {
  const { access_token: _, jwt: __, ...rest } = query
  const by = ['tokenId' in caller ? caller.tokenId : null, ...new Set(caller.scope.toSorted())]
  return createHmac('sha256', secret)
    .update('fieldbook request\n')
    .update(JSON.stringify([by, method, path, params, rest, body ?? null], inOrder))
    .digest()
}

/** Members of objects in the order of their names, so that the order they were sent in does not matter. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
