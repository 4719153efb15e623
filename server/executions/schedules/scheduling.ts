/**
 * The clock of the schedules: sleeps until the next planned time of all, and wakes when a schedule is made or changed.
 * Every process has one; the rows decide who queues what.
 */

import { messageOf } from '../../ground/errors.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { fireDue, type SchedulingParts } from './fire.ts'
import { SCHEDULED } from './store.ts'

/** The net below the notifications, and for clocks that are set. */
const LOOK_MS = 30_000
/** After a fault, or when the database is away. */
const AGAIN_MS = 2000
/** When a schedule is due that somebody else holds: another process is at it, or its notebook is being deleted. */
const HELD_MS = 250

/** Sees to the schedules from now on, beginning with what was planned while nobody did. */
export async function openScheduling(
  parts: SchedulingParts,
  clock: () => Date = () => new Date(),
): Promise<AsyncDisposable> {
  const closing = new AbortController()
  let wake = () => {}
  let isWanted = true
  const want = () => {
    isWanted = true
    wake()
  }
  const listener = await parts.db.listen(SCHEDULED, want, { onReconnect: want })
  const work = async () => {
    while (!closing.signal.aborted) {
      isWanted = false
      const untilNextMs = await lookQuietly(parts, clock, closing.signal)
      if (!isWanted && !closing.signal.aborted) await pause(untilNextMs)
    }
  }
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const working = work()
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      wake()
      await listener[Symbol.asyncDispose]()
      await working
    },
  }
}

/** One look, which no fault gets out of; gives how long there is nothing to do. */
async function lookQuietly(parts: SchedulingParts, clock: () => Date, signal: AbortSignal): Promise<number> {
  try {
    const now = clock()
    const faulty = await fireDue(parts, now, signal)
    if (faulty.length > 0) return AGAIN_MS
    const next = await nextOfAll(parts.db)
    if (!next) return LOOK_MS
    if (next <= now) return HELD_MS
    return Math.min(LOOK_MS, Math.max(0, next.getTime() - clock().getTime()))
  } catch (error) {
    if (!signal.aborted) parts.log.warn({ error: messageOf(error) }, 'schedules not looked at')
    return AGAIN_MS
  }
}

async function nextOfAll(db: Queryable): Promise<Date | undefined> {
  const row = await db.one<{ next: Date | null }>(
    `select min(next_run_at) as next from schedules join applications on applications.id = schedules.application_id
     where applications.deleted_at is null`,
  )
  return row?.next ?? undefined
}
