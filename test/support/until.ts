/** Waits for a state that nothing announces; the test's own time limit is the only limit. */
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves when the condition holds; looks every few milliseconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5)
}

/** Resolves when a statement of the test's database waits for a lock. */
export async function untilBlocked(db: { query(text: string): Promise<unknown[]> }): Promise<void> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await until(async () => (await db.query(waiting)).length > 0)
}
