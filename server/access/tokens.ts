/** Tokens: JWTs signed with EdDSA by a key that is made on first start and never leaves the data folder. */

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, errors, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose'
import { unauthenticated } from '../ground/errors.ts'

/** Who is calling, as far as the token says. */
export interface Caller {
  readonly userId: string
  readonly scope: readonly string[]
}

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
 * that stores a hundred states. What is remembered is only that we signed the text and when it ends; whether its user
 * still may is asked of the database each time.
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
    sign: ({ userId, scope }, ttlSeconds) => {
      const token = new SignJWT({ scope: [...scope] })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(ISSUER)
        .setSubject(userId)
        .setIssuedAt()
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
    const scope = Array.isArray(payload['scope']) ? payload['scope'].map(String) : []
    return { caller: { userId: payload.sub ?? '', scope }, endsAt: payload.exp ?? Number.POSITIVE_INFINITY }
  } catch (error) {
    throw unauthenticated(error instanceof errors.JWTExpired ? 'Access token has expired' : 'Invalid access token')
  }
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
