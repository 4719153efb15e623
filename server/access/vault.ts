/**
 * What of an account must not be readable in a copy of the database: secrets are kept encrypted, and what people typed as
 * their address is kept as a digest. The key for both lies in the folder of keys, not in the database.
 */

import { createHmac, hkdfSync } from 'node:crypto'
import { decrypt, encrypt } from './ciphers.ts'

export interface Vault {
  /** Encrypts what only the owner of this id may have; nobody else's id opens it. */
  seal(plain: Buffer, id: string): Buffer
  /** @throws Error when it was not sealed by this key for this id */
  open(sealed: Buffer, id: string): Buffer
  /** 32 bytes that are the same for the same parts, and tell nothing of them without the key. */
  digest(...parts: readonly string[]): Buffer
}

/** Over a key of at least 32 bytes. */
export function createVault(key: Buffer): Vault {
  const keyFor = (use: string) => Buffer.from(hkdfSync('sha256', key, '', `fieldbook accounts\n${use}`, 32))
  const [sealKey, digestKey] = [keyFor('secrets'), keyFor('digests')]
  return {
    seal: (plain, id) => encrypt(sealKey, plain, id),
    open: (sealed, id) => decrypt(sealKey, sealed, id),
    digest: (...parts) => createHmac('sha256', digestKey).update(JSON.stringify(parts)).digest(),
  }
}
