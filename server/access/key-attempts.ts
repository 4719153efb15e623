/**
 * Failed sign-ins of devices, so that a program that goes on failing has to wait longer and longer. Kept in memory, of
 * this process: a secret of 256 bits can't be guessed however often it is tried, so this spares work and logs. Sign-ins
 * that succeed are not counted at all; thousands of devices of one place may come at once.
 */

import { limited } from '../ground/errors.ts'
import { type BackOff, waitAfter } from './back-off.ts'

export interface KeyAttempts {
  /** @throws limited while whoever this is has to wait */
  requireTurn(who: string): void
  /** Counts a failure. */
  count(who: string): void
  /** After a success. */
  forget(who: string): void
}

/** Of one device with one key from one address. */
export const OF_DEVICE: BackOff = { free: 9, firstSeconds: 1 }
/** Without a failure for so long, it begins anew. */
const FORGOTTEN_MS = 3_600_000
const MAX_REMEMBERED = 10_000

interface Failures {
  readonly count: number
  readonly lastAt: number
  readonly waitsUntil: number
}

/** `now` is a clock in milliseconds that never goes back. */
export function createKeyAttempts(now: () => number = () => performance.now()): KeyAttempts {
  const failures = new Map<string, Failures>()
  return {
    requireTurn: (who) => {
      const waitMs = (failures.get(who)?.waitsUntil ?? 0) - now()
      if (waitMs <= 0) return
      const limit = { name: 'failedSignIns', of: 'resource', allowed: OF_DEVICE.free } as const
      throw limited(
        'Too many sign-ins of this device have failed; wait before the next',
        limit,
        Math.ceil(waitMs / 1000),
      )
    },
    count: (who) => {
      const known = failures.get(who)
      const count = known && now() - known.lastAt < FORGOTTEN_MS ? known.count + 1 : 1
      // Put last again: those that failed longest ago are the first to be forgotten.
      failures.delete(who)
      const [oldest] = failures.size < MAX_REMEMBERED ? [] : failures.keys()
      if (oldest !== undefined) failures.delete(oldest)
      failures.set(who, { count, lastAt: now(), waitsUntil: now() + waitAfter(count, OF_DEVICE) * 1000 })
    },
    forget: (who) => {
      failures.delete(who)
    },
  }
}
