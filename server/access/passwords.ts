/**
 * Passwords: argon2id with the library's defaults (19 MiB, 2 passes: OWASP's minimum). Each look at one takes that memory
 * and about 20 ms of a thread that file systems need too, so few go on at once and few wait: a flood of sign-ins is turned
 * away at the door instead of filling memory, and those of one network leave room for the others'.
 */

import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { unavailable } from '../ground/errors.ts'
import { createTurns } from '../ground/turns.ts'

export interface Passwords {
  /** What is kept of a password. @throws unavailable when too many wait */
  hash(password: string): Promise<string>
  /**
   * Whether a password is the one of this hash; `from` is who asks, for fairness. Without a hash, or with one that is none,
   * as for a user who has no password, the same work is done and the answer is no.
   * @throws unavailable when too many wait
   */
  matches(known: string | undefined, password: string, from: string): Promise<boolean>
}

export interface PasswordLimits {
  /** Looks at the same time; two of the four threads that Node has for such work. */
  readonly atOnce: number
  /** Looks that wait or go on: half a second of them. */
  readonly most: number
  /** The same of one network. */
  readonly mostOfOne: number
}

const LIMITS: PasswordLimits = { atOnce: 2, most: 50, mostOfOne: 10 }

/**
 * The hash of a password, outside of any queue: for commands and the first start. The same letters may be typed as
 * different characters; they are made one (RFC 8265, 4.2).
 */
export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFC'))

/** Compared with when there is no such user, so that an unknown address costs the same as a wrong password. */
const NOBODY = hash(randomBytes(16).toString('hex'))

/** Bounds what goes on at once. */
export function createPasswords({ atOnce, most, mostOfOne }: PasswordLimits = LIMITS): Passwords {
  const turns = createTurns(atOnce)
  const waiting = new Map<string, number>()
  let total = 0
  const inTurn = async <T>(from: string, work: () => Promise<T>): Promise<T> => {
    const own = waiting.get(from) ?? 0
    if (total >= most || own >= mostOfOne) throw unavailable('Too many passwords are being looked at; try again')
    total += 1
    waiting.set(from, own + 1)
    try {
      return await turns(work)
    } finally {
      total -= 1
      const left = (waiting.get(from) ?? 1) - 1
      if (left > 0) waiting.set(from, left)
      else waiting.delete(from)
    }
  }
  return {
    hash: (password) => inTurn('', () => hashPassword(password)),
    matches: (known, password, from) =>
      inTurn(from, async () => {
        const own = known?.startsWith('$argon2') ? known : undefined
        const matches = await verify(own ?? (await NOBODY), password.normalize('NFC'))
        return matches && own !== undefined
      }),
  }
}
