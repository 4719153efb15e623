/**
 * Tokens: JWTs signed with EdDSA by a key that never leaves the data folder, or was given; its name is in the header of
 * each token, so that a key that was replaced still verifies what it signed (token-keys.ts).
 */

import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { unauthenticated } from '../ground/errors.ts'
import type { Caller } from './callers.ts'
import { ALGORITHM, stillAccepts } from './key-ring.ts'
import { type KeyOptions, type LoadedKey, openTokenKeys, type TokenKeys } from './token-keys.ts'

export interface Tokens {
  /** A token for a caller; it never ends when `ttlSeconds` is 0. */
  sign(caller: Caller, ttlSeconds: number): Promise<string>
  /** @throws unauthenticated when the token was not signed by us, by a key that was retired, or has expired */
  verify(token: string): Promise<Caller>
}

const ISSUER = 'fieldbook'

/**
 * Signatures that were found right are remembered: checking one costs 0.3 ms of processor time, a tenth of a request
 * that stores a hundred states. What is remembered is only that this key signed the text and when it ends; whether the
 * key still counts is looked at each time, and whether its caller still may is asked of the database (entry.ts).
 */
const MAX_REMEMBERED = 10_000

interface Remembered {
  readonly caller: Caller
  readonly kid: string | undefined
  /** The key itself: another one may come to have its name. */
  readonly x: string
  /** Epoch seconds; infinite for a token that never ends. */
  readonly endsAt: number
}

/** Opens the signing keys of a folder, or those that were given. @throws Error when they can't be used */
export async function openTokens(folder: string, options: KeyOptions = {}): Promise<Tokens> {
  const keys = await openTokenKeys(folder, options)
  const remembered = new Map<string, Remembered>()
  return {
    sign: async (caller, ttlSeconds) => {
      const { signing } = await keys.current()
      const header = { alg: ALGORITHM, kid: signing.kid }
      const now = Date.now() / 1000
      // With its milliseconds: a session that began in the second of a cut-off is on one side of it.
      const token = new SignJWT(claimsOf(caller)).setProtectedHeader(header).setIssuer(ISSUER).setIssuedAt(now)
      if (ttlSeconds > 0) token.setExpirationTime(Math.floor(now) + ttlSeconds)
      return token.sign(signing.privateKey)
    },
    verify: async (token) => {
      const known = remembered.get(token)
      if (known && (await isStillGood(known, keys))) return known.caller
      remembered.delete(token)
      const checked = await check(token, keys)
      const [oldest] = remembered.size < MAX_REMEMBERED ? [] : remembered.keys()
      if (oldest !== undefined) remembered.delete(oldest)
      remembered.set(token, checked)
      return checked.caller
    },
  }
}

/** A token ends with its second, as the library has it. */
async function isStillGood({ caller, kid, x, endsAt }: Remembered, keys: TokenKeys): Promise<boolean> {
  const key = (await keys.current()).find(kid)
  return (
    key !== undefined &&
    key.jwk.x === x &&
    stillAccepts(key, caller, Date.now()) &&
    Math.floor(Date.now() / 1000) < endsAt
  )
}

/** @throws unauthenticated */
async function check(token: string, keys: TokenKeys): Promise<Remembered> {
  try {
    const { kid } = decodeProtectedHeader(token)
    const key = await findKey(keys, kid)
    const { payload } = await jwtVerify(token, key.publicKey, { issuer: ISSUER, algorithms: [ALGORITHM] })
    const caller = callerOf(payload)
    if (!stillAccepts(key, caller, Date.now())) throw new errors.JWTExpired('its key was replaced', payload)
    return { caller, kid, x: key.jwk.x, endsAt: payload.exp ?? Number.POSITIVE_INFINITY }
  } catch (error) {
    throw unauthenticated(error instanceof errors.JWTExpired ? 'Access token has expired' : 'Invalid access token')
  }
}

/** Another service of the folder may sign with a key that is newer than what we have read. */
async function findKey(keys: TokenKeys, kid: string | undefined): Promise<LoadedKey> {
  const found = (await keys.current()).find(kid) ?? (kid === undefined ? undefined : (await keys.refreshed()).find(kid))
  if (!found) throw new Error('a key that is not known')
  return found
}

/**
 * What a token says of its caller: `sub` is who calls, `jti` the API token, `key` the access key of a device, `begun` when
 * the session of a refreshed token began.
 */
function claimsOf(caller: Caller): JWTPayload {
  const scope = [...caller.scope]
  if (caller.kind === 'user') {
    const { userId, tokenId, generation, session } = caller
    if (tokenId) return { kind: 'user', sub: userId, scope, jti: tokenId }
    const begun = session && { begun: session.begunAt.getTime() / 1000 }
    return { kind: 'user', sub: userId, scope, gen: generation ?? 0, ...begun }
  }
  const { kind, applicationId } = caller
  if (kind === 'application') return { kind, app: applicationId, sub: applicationId, jti: caller.tokenId, scope }
  return { kind, app: applicationId, sub: caller.deviceId, key: caller.keyId, scope }
}

/** The other way round. Tokens of versions that had only users say no kind. */
function callerOf({ sub = '', jti = '', ...claims }: JWTPayload): Caller {
  const scope = Array.isArray(claims['scope']) ? claims['scope'].map(String) : []
  const applicationId = String(claims['app'] ?? '')
  if (claims['kind'] === 'application') return { kind: 'application', applicationId, tokenId: jti, scope }
  if (claims['kind'] === 'device') {
    return { kind: 'device', applicationId, deviceId: sub, keyId: String(claims['key'] ?? ''), scope }
  }
  if (jti) return { kind: 'user', userId: sub, tokenId: jti, scope }
  const { iat = 0, exp, begun = iat } = claims
  const session = {
    begunAt: new Date(Math.round(Number(begun) * 1000)),
    ttlSeconds: exp === undefined ? 0 : exp - Math.floor(iat),
  }
  return { kind: 'user', userId: sub, generation: Number(claims['gen'] ?? 0), session, scope }
}
