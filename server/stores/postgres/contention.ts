/** Two transactions that are in each other's way: PostgreSQL ends one of them, and asks for it to be done again. */

import { setTimeout as pause } from 'node:timers/promises'

/** PostgreSQL, appendix A: serialization failure and deadlock. What was ended so has changed nothing. */
const CONTENDED = /^(?:40001|40P01)$/

/** In all. Each costs the second after which PostgreSQL looks for a deadlock; the others of it go on meanwhile. */
const TRIES = 10
const LONGEST_PAUSE_MS = 200

/** Whether the work was ended for others' sake, and may go through when it is done again. */
export const isContended = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && CONTENDED.test(String(error.code))

/** Does the work, a whole transaction, again while it is ended for others' sake. Gives and throws what it does at last. */
export async function despiteContention<T>(work: () => Promise<T>): Promise<T> {
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
