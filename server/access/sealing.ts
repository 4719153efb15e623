/**
 * Text that only who knows a word can read again, together with a secret of ours: AES-256-GCM with a key made of both.
 * The database alone, and even the database with the secret, tells nothing of it.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What keeps this from being the key of anything else that is made of the secret. */
const PURPOSE = 'fieldbook sealed answers'

/** Gives what seals texts for a word. */
export function sealing(secret: Buffer, word: string): (text: string) => Buffer {
  const key = keyOf(secret, word)
  return (text) => {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, key, nonce)
    const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), content])
  }
}

/** The text again; undefined when the word, or the secret, is another one, or the bytes were changed. */
export function openSealed(secret: Buffer, word: string, sealed: Buffer): string | undefined {
  const [nonce, rest] = [sealed.subarray(0, NONCE_BYTES), sealed.subarray(NONCE_BYTES)]
  try {
    const decipher = createDecipheriv(ALGORITHM, keyOf(secret, word), nonce, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(rest.subarray(0, TAG_BYTES))
    return Buffer.concat([decipher.update(rest.subarray(TAG_BYTES)), decipher.final()]).toString()
  } catch {
    return undefined
  }
}

const keyOf = (secret: Buffer, word: string) => Buffer.from(hkdfSync('sha256', secret, word, PURPOSE, 32))
