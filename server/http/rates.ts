/**
 * Who may ask how often. Every request counts for the address it comes from, one with a good token also for its caller:
 * so nobody gets more by inventing tokens. What is open by signed links and the look at the health have counts of their own,
 * and wrong passwords a stricter one. Each answer says how many are left, and one that is too many when to come again.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authenticateDevice } from '../../contract/device-sign-in.ts'
import type { Caller } from '../access/callers.ts'
import { Bucket, type Standing } from '../access/rates.ts'
import type { Rate } from '../ground/config.ts'
import { type AppError, limited } from '../ground/errors.ts'
import { clientOf } from './client-address.ts'
import { refusalOf } from './errors.ts'

/** A rate that is left out is none. */
export interface Rates {
  readonly caller: Rate | undefined
  readonly address: Rate | undefined
  /** By address: files and links, and by itself the look at the health. */
  readonly link: Rate | undefined
  /** By address: users whose password or code is wrong. */
  readonly signIn: Rate | undefined
}

export interface RateLimits {
  /** All there are, to be shared with other services. */
  readonly buckets: readonly Bucket[]
  /** Counts a request whose token has been found good. @throws limited when it is one too many */
  readonly countCaller: (caller: Caller, reply: FastifyReply) => void
  /** Counts a request that no hook sees, because Fastify refuses it before. Gives the refusal of one too many. */
  readonly countUnseen: (url: string, address: string, reply: FastifyReply) => AppError | undefined
}

const PLACES: readonly (readonly [path: string, kind: 'link' | 'health'])[] = [
  ['/files/', 'link'],
  ['/privateFiles/', 'link'],
  ['/blobs/', 'link'],
  ['/uploads', 'link'],
  ['/healthz', 'health'],
]

/** Counts every request that is not answered by the hooks before. */
export function limitRates(app: FastifyInstance, rates: Rates, clock: () => number = Date.now): RateLimits {
  const make = (name: string, rate: Rate | undefined) => (rate ? new Bucket(name, rate) : undefined)
  const byAddress = {
    api: make('address', rates.address),
    link: make('link', rates.link),
    health: make('health', rates.link),
  }
  const callers = make('caller', rates.caller)
  const signIns = make('signIn', rates.signIn)
  const tried = new WeakSet<FastifyRequest>()

  const countAddress = (url: string, address: string, reply: FastifyReply) => {
    const bucket = byAddress[kindOf(url)]
    return bucket && hit(bucket, clientOf(address), clock(), reply, 'from this address')
  }
  app.addHook('onRequest', (request, reply, done) => {
    const refusal = countAddress(request.url, request.ip, reply)
    if (refusal) throw refusal
    done()
  })
  if (signIns) {
    // Later than what refuses a request for its head: that is no attempt.
    app.addHook('preParsing', async (request, reply) => {
      if (!isSignIn(request)) return
      const whose = 'to sign in from this address that failed'
      const refusal = hit(signIns, clientOf(request.ip), clock(), reply, whose)
      if (refusal) throw refusal
      tried.add(request)
    })
    // It is counted before its end is known, or as many as are sent at once would all be let in.
    app.addHook('onSend', (request, _reply, payload: unknown, done) => {
      // Only what was counted: a request that was refused before must not pay for another.
      if (tried.delete(request) && !isWrong(request)) signIns.giveBack(clientOf(request.ip), clock())
      done(null, payload)
    })
  }
  return {
    buckets: [...Object.values(byAddress), callers, signIns].filter((bucket) => bucket !== undefined),
    countCaller: (caller, reply) => {
      const refusal = callers && hit(callers, callerKey(caller), clock(), reply, 'with this token')
      if (refusal) throw refusal
    },
    countUnseen: countAddress,
  }
}

function hit(bucket: Bucket, key: string, now: number, reply: FastifyReply, whose: string): AppError | undefined {
  const standing = bucket.hit(key, now)
  tell(reply, standing)
  if (!standing.isOver) return undefined
  const { limit, resetSeconds } = standing
  const resetsAt = new Date(now + resetSeconds * 1000)
  return limited(
    `There were ${limit} requests ${whose}, as many as are allowed; try again in ${resetSeconds} s`,
    { name: `${bucket.name}Requests`, of: 'installation', allowed: limit, used: limit, resetsAt },
    resetSeconds,
  )
}

/** The header fields of draft-ietf-httpapi-ratelimit-headers-03, which clients know. Where two counts apply, the lower one. */
function tell(reply: FastifyReply, { limit, remaining, resetSeconds }: Standing): void {
  const told = reply.getHeader('ratelimit-remaining')
  if (told !== undefined && Number(told) < remaining) return
  reply.headers({ 'ratelimit-limit': limit, 'ratelimit-remaining': remaining, 'ratelimit-reset': resetSeconds })
}

function kindOf(url: string): 'api' | 'link' | 'health' {
  return PLACES.find(([path]) => url.startsWith(path))?.[1] ?? 'api'
}

/**
 * Devices wait each for itself (access/key-attempts.ts): here, one with an old key would keep out whoever else is behind
 * its address.
 */
const isSignIn = ({ method, routeOptions: { url = '' } }: FastifyRequest) =>
  method === 'POST' && url.startsWith('/auth/') && url !== authenticateDevice.path

/**
 * A password or code that was looked at and is wrong. Who is made to wait had none looked at, and who is asked for a code
 * gave the right password: neither guesses, and others of the address pay for them.
 */
const isWrong = (request: FastifyRequest) => refusalOf(request) === 'unauthenticated'

/** A token made for programs stands for itself; somebody who signs in again is still the same. */
export function callerKey(caller: Caller): string {
  if (caller.kind === 'device') return `device ${caller.deviceId}`
  if (caller.tokenId !== undefined) return `token ${caller.tokenId}`
  return `user ${caller.kind === 'user' ? caller.userId : ''}`
}
