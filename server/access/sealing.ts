/**
 * Text that only who knows a word can read again, together with a secret of ours: AES-256-GCM with a key made of both.
 * The database alone, and even the database with the secret, tells nothing of it.
 */

import { hkdfSync } from 'node:crypto'
import { decrypt, encrypt } from './ciphers.ts'

/** What keeps this from being the key of anything else that is made of the secret. */
const PURPOSE = 'fieldbook sealed answers'

/** Gives what seals texts for a word. */
export function sealing(secret: Buffer, word: string): (text: string) => Buffer {
  const key = keyOf(secret, word)
  return (text) => encrypt(key, Buffer.from(text))
}

/** The text again; undefined when the word, or the secret, is another one, or the bytes were changed. */
export function openSealed(secret: Buffer, word: string, sealed: Buffer): string | undefined {
  try {
    return decrypt(keyOf(secret, word), sealed).toString()
  } catch {
    return undefined
  }
}

const keyOf = (secret: Buffer, word: string) => Buffer.from(hkdfSync('sha256', secret, word, PURPOSE, 32))
