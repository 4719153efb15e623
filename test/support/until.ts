/** Waits for a state that nothing announces; the test's own time limit is the only limit. */
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when the condition holds; looks every few milliseconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5)
}
