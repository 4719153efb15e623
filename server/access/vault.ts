/**
 * What of an account must not be readable in a copy of the database: secrets are kept encrypted, and what people typed as
 * their address is kept as a digest. The key for both lies in the folder of keys, not in the database.
 */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

export interface Vault {
  /** Encrypts what only the owner of this id may have; nobody else's id opens it. */
  seal(plain: Buffer, id: string): Buffer
  /** @throws Error when it was not sealed by this key for this id */
  open(sealed: Buffer, id: string): Buffer
  /** 32 bytes that are the same for the same parts, and tell nothing of them without the key. */
  digest(...parts: readonly string[]): Buffer
}

/** AES-256-GCM: 12 bytes nonce, 16 bytes tag (NIST SP 800-38D). */
const NONCE = 12
const TAG = 16

/** Over a key of at least 32 bytes. */
export function createVault(key: Buffer): Vault {
  const keyFor = (use: string) => Buffer.from(hkdfSync('sha256', key, '', `fieldbook accounts\n${use}`, 32))
  const [sealKey, digestKey] = [keyFor('secrets'), keyFor('digests')]
  return {
    seal: (plain, id) => {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce, { authTagLength: TAG }).setAAD(Buffer.from(id))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed, id) => {
      const [nonce, tag] = [sealed.subarray(0, NONCE), sealed.subarray(-TAG)]
      const decipher = createDecipheriv('aes-256-gcm', sealKey, nonce, { authTagLength: TAG })
      decipher.setAAD(Buffer.from(id)).setAuthTag(tag)
      return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()])
    },
    digest: (...parts) => createHmac('sha256', digestKey).update(JSON.stringify(parts)).digest(),
  }
}
