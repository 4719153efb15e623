/** Two transactions that are in each other's way: PostgreSQL ends one of them, and asks for it to be done again. */

import { setTimeout as pause } from 'node:timers/promises'

/** PostgreSQL, appendix A: serialization failure and deadlock. What was ended so has changed nothing. */
const CONTENDED = /^(?:40001|40P01)$/

/** Tries in all. A deadlock is found after a second (deadlock_timeout), so these are some seconds. */
const TRIES = 5
const LONGEST_PAUSE_MS = 100

/** Whether the work was ended for others' sake, and may go through when it is done again. */
export const isContended = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && CONTENDED.test(String(error.code))

/** Does the work again while it is ended for others' sake, five times in all. It must have no effect but its transaction's. */
export async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isContended(error) || tried === TRIES) throw error
      // Of any length, so that the two do not meet again.
      await pause(Math.random() * LONGEST_PAUSE_MS)
    }
  }
}
