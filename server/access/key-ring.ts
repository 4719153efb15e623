/**
 * The keys of tokens as a value: the first one signs, the others are those it replaced, which still verify. What a
 * rotation and a retirement make of them is decided here; where they are kept, elsewhere (key-files.ts, given-keys.ts).
 */

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { conflict, invalid, notFound } from '../ground/errors.ts'
import type { Caller } from './callers.ts'

export const ALGORITHM = 'EdDSA'

/** An Ed25519 key; without `d` its public half. */
export interface KeyMaterial {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
  readonly d?: string
}

export interface TokenKey {
  /** What the header of a token names it by. */
  readonly kid: string
  /** With its private part (`d`) only while it signs: what has been replaced can't sign any more, whoever reads it. */
  readonly jwk: KeyMaterial
  readonly createdAt: string
  /** When another one took its place. */
  readonly replacedAt?: string
  /** Until when sessions that it signed are good; those of programs and devices are until it is retired. */
  readonly sessionsUntil?: string
  /** Signed before keys had names: tokens without one are its. */
  readonly isUnnamed?: true
}

export interface KeyRing {
  readonly keys: readonly TokenKey[]
}

/** More would be many rotations without a retirement; each costs a line of `fieldbook keys list`. */
export const MAX_KEYS = 32

/** A new key, which nothing has signed yet. */
export async function makeKey(now: Date): Promise<TokenKey> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  return nameKey(await exportJWK(privateKey), now)
}

/** A key named by its thumbprint (RFC 7638), unless it brings a name. @throws invalid when it is no Ed25519 key */
export async function nameKey(jwk: JWK, now: Date): Promise<TokenKey> {
  const { kty, crv, x, d, kid } = jwk
  if (kty !== 'OKP' || crv !== 'Ed25519' || !x) throw invalid('a key of tokens must be an Ed25519 key')
  const bare: KeyMaterial = { kty: 'OKP', crv: 'Ed25519', x, ...(d ? { d } : {}) }
  return { kid: kid || (await calculateJwkThumbprint(bare)), jwk: bare, createdAt: now.toISOString() }
}

/**
 * The ring with a new key that signs from now on; sessions of the one before are good for `overlapMs` more.
 * @throws conflict when there are too many
 */
export function rotated(
  { keys: [signing, ...others] }: KeyRing,
  made: TokenKey,
  now: Date,
  overlapMs: number,
): KeyRing {
  if (others.length + 2 > MAX_KEYS) throw conflict(`There are ${MAX_KEYS} keys already; retire some first`)
  const until = new Date(now.getTime() + overlapMs).toISOString()
  const replaced = signing && {
    ...signing,
    jwk: publicPart(signing.jwk),
    replacedAt: now.toISOString(),
    sessionsUntil: until,
  }
  return { keys: [made, ...(replaced ? [replaced] : []), ...others] }
}

/** The ring without a key that was replaced. @throws notFound, conflict when it is the one that signs */
export function retired({ keys }: KeyRing, kid: string): KeyRing {
  const index = keys.findIndex((key) => key.kid === kid)
  if (index < 0) throw notFound(`A key ${kid}`)
  if (index === 0) throw conflict(`${kid} is the key that signs; rotate first, then retire it`)
  return { keys: keys.filter((key) => key.kid !== kid) }
}

/** Whether what a key signed for this caller is still good, the token's own end apart. */
export const stillAccepts = ({ sessionsUntil }: TokenKey, caller: Caller, nowMs: number): boolean =>
  sessionsUntil === undefined || isKept(caller) || nowMs < Date.parse(sessionsUntil)

/** Tokens of programs and devices are rows of the database, and may have been made to stay for good. */
const isKept = (caller: Caller) => caller.kind !== 'user' || caller.tokenId !== undefined

export const publicPart = ({ kty, crv, x }: KeyMaterial): KeyMaterial => ({ kty, crv, x })
