/** Tokens: JWTs signed with EdDSA by a key that is made on first start and never leaves the data folder. */

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CryptoKey,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { unauthenticated } from '../ground/errors.ts'
import type { Caller } from './callers.ts'

export interface Tokens {
  /** A token for a caller; it never ends when `ttlSeconds` is 0. */
  sign(caller: Caller, ttlSeconds: number): Promise<string>
  /** @throws unauthenticated when the token was not signed by us or has expired */
  verify(token: string): Promise<Caller>
}

const ALGORITHM = 'EdDSA'
const ISSUER = 'fieldbook'

/**
 * Signatures that were found right are remembered: checking one costs 0.3 ms of processor time, a tenth of a request
 * that stores a hundred states. What is remembered is only that we signed the text and when it ends; whether its caller
 * still may is asked of the database each time (entry.ts).
 */
const MAX_REMEMBERED = 10_000

interface Remembered {
  readonly caller: Caller
  /** Epoch seconds; infinite for a token that never ends. */
  readonly endsAt: number
}

/** Opens the signing key of a folder, making it when there is none. */
export async function openTokens(folder: string): Promise<Tokens> {
  const { privateKey, publicKey } = await openKeys(join(folder, 'token-key.json'), folder)
  const remembered = new Map<string, Remembered>()
  return {
    sign: (caller, ttlSeconds) => {
      const token = new SignJWT(claimsOf(caller)).setProtectedHeader({ alg: ALGORITHM }).setIssuer(ISSUER).setIssuedAt()
      if (ttlSeconds > 0) token.setExpirationTime(Math.floor(Date.now() / 1000) + ttlSeconds)
      return token.sign(privateKey)
    },
    verify: async (token) => {
      const known = remembered.get(token)
      // A token ends with its second, as the library has it.
      if (known && Math.floor(Date.now() / 1000) < known.endsAt) return known.caller
      remembered.delete(token)
      const checked = await check(token, publicKey)
      const [oldest] = remembered.size < MAX_REMEMBERED ? [] : remembered.keys()
      if (oldest !== undefined) remembered.delete(oldest)
      remembered.set(token, checked)
      return checked.caller
    },
  }
}

/** @throws unauthenticated */
async function check(token: string, publicKey: CryptoKey): Promise<Remembered> {
  try {
    const { payload } = await jwtVerify(token, publicKey, { issuer: ISSUER, algorithms: [ALGORITHM] })
    return { caller: callerOf(payload), endsAt: payload.exp ?? Number.POSITIVE_INFINITY }
  } catch (error) {
    throw unauthenticated(error instanceof errors.JWTExpired ? 'Access token has expired' : 'Invalid access token')
  }
}

/** What a token says of its caller: `sub` is who calls, `jti` the API token, `key` the access key of a device. */
function claimsOf(caller: Caller): JWTPayload {
  const scope = [...caller.scope]
  if (caller.kind === 'user') {
    const { userId, tokenId, generation } = caller
    return { kind: 'user', sub: userId, scope, ...(tokenId ? { jti: tokenId } : { gen: generation ?? 0 }) }
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
  return { kind: 'user', userId: sub, ...(jti ? { tokenId: jti } : { generation: Number(claims['gen'] ?? 0) }), scope }
}

async function openKeys(path: string, folder: string): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  const known = await readFile(path, 'utf8').catch(() => undefined)
  const jwk = known ? JSON.parse(known) : await makeKey(path, folder)
  const { d: _, ...publicJwk } = jwk
  return {
    privateKey: requireKey(await importJWK(jwk, ALGORITHM)),
    publicKey: requireKey(await importJWK(publicJwk, ALGORITHM)),
  }
}

async function makeKey(path: string, folder: string) {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true })
  const jwk = await exportJWK(privateKey)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(path, JSON.stringify(jwk), { mode: 0o600, flag: 'wx' })
  await chmod(path, 0o600)
  return jwk
}

function requireKey(key: CryptoKey | Uint8Array): CryptoKey {
  if (key instanceof Uint8Array) throw new Error('the token key is not an EdDSA key')
  return key
}
