/** Transactions that wait for each other in a circle: PostgreSQL ends one of them, and that one may be done again. */

import { setTimeout as pause } from 'node:timers/promises'

/** PostgreSQL, appendix A. */
export const DEADLOCK = '40P01'

/** Whether an error says that PostgreSQL ended a transaction, or a part of one, because of a circle. */
export const isDeadlock = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === DEADLOCK

/** Each costs the second after which PostgreSQL looks for circles; the others of the circle go on meanwhile. */
const TRIES = 10
const LONGEST_PAUSE_MS = 200

/** Does the work, which is a whole transaction, again when it was ended for a circle. Gives and throws what it does at last. */
export async function despiteDeadlocks<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isDeadlock(error) || tries === TRIES) throw error
      // By chance, or those of one circle would meet again.
      await pause(Math.random() * LONGEST_PAUSE_MS)
    }
  }
}
