/** Encryption of what is kept in the database: AES-256-GCM as nonce, content and tag, one after the other. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
/** 12 bytes nonce, 16 bytes tag (NIST SP 800-38D). */
const NONCE = 12
const TAG = 16

/** Under a key of 32 bytes; it opens for the same `purpose` only. */
export function encrypt(key: Buffer, plain: Buffer, purpose = ''): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(purpose))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** @throws Error when it was not encrypted by this key for this purpose, or was changed since */
export function decrypt(key: Buffer, sealed: Buffer, purpose = ''): Buffer {
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE), { authTagLength: TAG })
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(sealed.subarray(-TAG))
  return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()])
}
