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

/** Opens the signing key of a folder, making it when there is none. */
export async function openTokens(folder: string): Promise<Tokens> {
  const { privateKey, publicKey } = await openKeys(join(folder, 'token-key.json'), folder)
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
      try {
        const { payload } = await jwtVerify(token, publicKey, { issuer: ISSUER, algorithms: [ALGORITHM] })
        const scope = Array.isArray(payload['scope']) ? payload['scope'].map(String) : []
        return { userId: payload.sub ?? '', scope }
      } catch (error) {
        throw unauthenticated(error instanceof errors.JWTExpired ? 'Access token has expired' : 'Invalid access token')
      }
    },
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
