/**
 * Keys of tokens that are given by the environment or a file instead of being made: JWKs or PKCS8, several of them for an
 * overlap. The first signs; the others verify, and may be public ones.
 */

import { readFile, stat } from 'node:fs/promises'
import { exportJWK, importPKCS8, importSPKI, type JWK } from 'jose'
import { ALGORITHM, type KeyRing, MAX_KEYS, nameKey, publicPart, type TokenKey } from './key-ring.ts'

/** Where given keys come from: `text` is the keys themselves, `file` the path of a file with them. */
export type GivenKeys = { readonly text: string } | { readonly file: string }

const PEM = /-----BEGIN (PRIVATE|PUBLIC) KEY-----[\s\S]*?-----END \1 KEY-----/g
const EXPECTED =
  'expected Ed25519 keys: a JWK, a JSON array of them, a JWK set, or PKCS8 blocks one after the other; the first one private'
/** Far more than MAX_KEYS take. */
const MAX_TEXT = 100_000

/** The ring of a text. No message shows a part of it. @throws Error that names `origin` and what is expected */
export async function ringOfText(text: string, origin: string): Promise<KeyRing> {
  try {
    const jwks = text.length > MAX_TEXT ? [] : text.includes('-----BEGIN ') ? await jwksOfPem(text) : jwksOfJson(text)
    const named = await Promise.all(jwks.map((jwk) => nameKey(jwk, new Date(0))))
    const [signing, ...others] = named
    if (!signing?.jwk.d || named.length > MAX_KEYS) throw new Error('none that signs, or too many')
    if (new Set(named.map(({ kid }) => kid)).size < named.length) throw new Error('a name twice')
    return { keys: [signing, ...others.map((key): TokenKey => ({ ...key, jwk: publicPart(key.jwk) }))] }
  } catch {
    throw new Error(`${origin} can't be used: ${EXPECTED}`)
  }
}

/** The ring of a file. @throws Error also when others may write to it */
export async function ringOfFile(file: string): Promise<KeyRing> {
  const { mode } = await stat(file)
  if (mode & 0o022) {
    throw new Error(
      `${file} can be written to by others, who could put a key of theirs there; take that right from them`,
    )
  }
  return ringOfText(await readFile(file, 'utf8'), file)
}

function jwksOfJson(text: string): JWK[] {
  const given = JSON.parse(text)
  return Array.isArray(given) ? given : Array.isArray(given.keys) ? given.keys : [given]
}

const jwksOfPem = (text: string): Promise<JWK[]> =>
  Promise.all(
    [...text.matchAll(PEM)].map(async ([pem, kind]) => {
      const options = { extractable: true }
      const read = kind === 'PRIVATE' ? importPKCS8(pem, ALGORITHM, options) : importSPKI(pem, ALGORITHM, options)
      return exportJWK(await read)
    }),
  )
