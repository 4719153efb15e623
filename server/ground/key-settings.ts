/** The settings of keys that are given instead of being made. */

import { entry } from './setting.ts'

const KEYS = 'Ed25519 keys as JWK, JSON array, JWK set or PKCS8 text'

export const KEY_SETTINGS = {
  tokenKey: entry({
    name: 'FIELDBOOK_TOKEN_KEY',
    default: '',
    says: 'The key that tokens are signed with, as a JWK or PKCS8 text; more after it still verify. Empty: one is made and kept in the data folder.',
    expects: KEYS,
    secret: true,
    // What is in it is read where keys are (server/access/given-keys.ts); a path put here by mistake is found at once.
    parse: (value: string) => {
      if (value && !/^(?:[{[]|-----BEGIN )/.test(value)) throw new Error('no key')
      return value || undefined
    },
  }),
  tokenKeyFile: entry({
    name: 'FIELDBOOK_TOKEN_KEY_FILE',
    default: '',
    says: 'The same in a file, which is read again when it changes.',
    expects: 'a path',
    parse: (value: string) => value || undefined,
  }),
}
