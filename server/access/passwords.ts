/** Passwords: argon2id with the library's defaults (19 MiB, 2 passes: OWASP's minimum). */

import { hash } from '@node-rs/argon2'

/**
 * The hash of a password. The same letters may be typed as different characters; they are made one (RFC 8265, 4.2).
 */
export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFC'))
