/**
 * Failed sign-ins of devices, so that a program that goes on failing has to wait longer and longer. Kept in memory, of
 * this process: a secret of 256 bits can't be guessed however often it is tried, so this spares work and logs. Sign-ins
 * that succeed are not counted at all; thousands of devices of one place may come at once.
 */

import { limited } from '../ground/errors.ts'

export interface KeyAttempts {
  /** @throws limited while whoever this is has to wait */
  requireTurn(who: string): void
  /** Counts a failure. */
  count(who: string): void
  /** After a success. */
  forget(who: string): void
}

/** Failures without a wait. */
export const FREE_FAILURES = 10
/** After the first one more; it doubles with each. */
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 300_000
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
      const limit = { name: 'failedSignIns', of: 'resource', allowed: FREE_FAILURES } as const
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
      failures.set(who, { count, lastAt: now(), waitsUntil: now() + waitAfter(count) })
    },
    forget: (who) => {
      failures.delete(who)
    },
  }
}

function waitAfter(count: number): number {
  if (count < FREE_FAILURES) return 0
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(30, count - FREE_FAILURES))
}
