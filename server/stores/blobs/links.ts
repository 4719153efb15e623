/**
 * Links that open without credentials: the path names the blob, the query carries when it ends and a signature over
 * both. Nothing is stored for a link; changing any part of it breaks the signature.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'

export interface Link {
  readonly key: string
  /** The name a browser saves it under; also decides its content type. */
  readonly fileName: string
  readonly expiresAt: Date
}

export const LINK_PREFIX = '/blobs/'

/** The path and query of a link. */
export function linkTo(secret: Buffer, link: Link): string {
  const expires = String(link.expiresAt.getTime())
  const path = `${LINK_PREFIX}${encode(link.key)}/${encodeURIComponent(link.fileName)}`
  return `${path}?expires=${expires}&signature=${sign(secret, link.key, link.fileName, expires)}`
}

/** The link that was followed, or why it does not open. */
export function openLink(
  secret: Buffer,
  given: { encodedKey: string; fileName: string; expires: string; signature: string },
  now: Date,
): Link | 'wrong' | 'expired' {
  const key = Buffer.from(given.encodedKey, 'base64url').toString()
  // Decoding overlooks what is no base64, and the bits that are left over at the end: the same key written differently.
  if (encode(key) !== given.encodedKey) return 'wrong'
  const expected = Buffer.from(sign(secret, key, given.fileName, given.expires))
  const signature = Buffer.from(given.signature)
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return 'wrong'
  const expiresAt = new Date(Number(given.expires))
  return expiresAt > now ? { key, fileName: given.fileName, expiresAt } : 'expired'
}

const encode = (key: string) => Buffer.from(key).toString('base64url')

const sign = (secret: Buffer, key: string, fileName: string, expires: string) =>
  createHmac('sha256', secret)
    .update(JSON.stringify([key, fileName, expires]))
    .digest('hex')
