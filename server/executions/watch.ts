/**
 * Watching executions: whoever watches is woken by notifications and reads what is new from the table, at its own pace.
 * Nothing is kept for a watcher between two reads, so a slow one costs no memory, and the run knows of none of them.
 */

import type { Database } from '../stores/postgres/database.ts'
import { finalEventId, type StoredEvent } from './backlog.ts'
import { EVENTS_PER_READ, readEvents, SEEN, type Sight } from './events.ts'
import { isFinal } from './lifecycle.ts'

export interface Watch extends AsyncDisposable {
  /** Executions that somebody follows. */
  readonly watching: number
  /**
   * The events of an execution after one of them, in batches as they come, and the end as the last one. An empty batch
   * is a sign of life, every 15 s. Ends early when `signal` is aborted or the watch is closed.
   */
  follow(executionId: string, after: number, signal: AbortSignal): AsyncGenerator<readonly StoredEvent[], void>
  /** Resolves when an execution has ended, or early as `follow` does. @throws notFound when it is deleted meanwhile */
  untilEnd(executionId: string, signal: AbortSignal): Promise<void>
  /** Ends all that follow; they come back to another door, or to this one after its restart. */
  end(): void
}

export interface WatchOptions {
  /** The net below the notifications: an end that no worker wrote is not notified. */
  readonly pollMs?: number
  readonly beatMs?: number
}

const POLL_MS = 1000
const BEAT_MS = 15_000

/** Listens until disposed. */
export async function openWatch(db: Database, options: WatchOptions = {}): Promise<Watch> {
  const watchers = new Map<string, Set<() => void>>()
  const reads = shareReads(db)
  const closing = new AbortController()
  const wake = (id: string) => {
    reads.renew()
    for (const watcher of watchers.get(id) ?? []) watcher()
  }
  const wakeAll = () => {
    for (const id of watchers.keys()) wake(id)
  }
  const listener = await db.listen(SEEN, wake, { onReconnect: wakeAll })
  const poll = setInterval(wakeAll, options.pollMs ?? POLL_MS)

  const watch: Watch = {
    get watching() {
      return watchers.size
    },
    end: () => closing.abort(),
    untilEnd: async (executionId, signal) => {
      // After every event there can be: only the status is read.
      for await (const _ of watch.follow(executionId, Number.MAX_SAFE_INTEGER, signal));
    },
    follow: async function* (executionId, after, signal) {
      using bell = hangBell(watchers, executionId, AbortSignal.any([signal, closing.signal]))
      let last = after
      let toldAt = performance.now()
      while (!bell.isOver) {
        // Before the look: what comes after it rings again.
        const rung = bell.rung()
        const sight = await reads.read(executionId, last)
        const batch = newIn(sight, last)
        last = batch.at(-1)?.id ?? last
        if (batch.length > 0 || performance.now() - toldAt >= (options.beatMs ?? BEAT_MS)) {
          yield batch
          toldAt = performance.now()
        }
        if (isFinal(sight.status) && last >= finalEventId(sight.attempt)) return
        if (sight.events.length < EVENTS_PER_READ) await rung
      }
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      clearInterval(poll)
      await listener[Symbol.asyncDispose]()
    },
  }
  return watch
}

interface Bell extends Disposable {
  readonly isOver: boolean
  /** Resolves at the next ring after this call. */
  rung(): Promise<void>
}

function hangBell(watchers: Map<string, Set<() => void>>, id: string, over: AbortSignal): Bell {
  let { promise, resolve } = Promise.withResolvers<void>()
  const ring = () => resolve()
  const group = watchers.get(id) ?? new Set()
  watchers.set(id, group.add(ring))
  over.addEventListener('abort', ring, { once: true })
  return {
    get isOver() {
      return over.aborted
    },
    rung: () => {
      ;({ promise, resolve } = Promise.withResolvers<void>())
      if (over.aborted) resolve()
      return promise
    },
    [Symbol.dispose]: () => {
      over.removeEventListener('abort', ring)
      group.delete(ring)
      if (group.size === 0) watchers.delete(id)
    },
  }
}

interface SharedReads {
  read(id: string, after: number): Promise<Sight>
  /** What is read from now on has not begun before. */
  renew(): void
}

/** A hundred that watch one run ask for the same at the same moment: one read for all of them. */
function shareReads(db: Database): SharedReads {
  let reading = new Map<string, Promise<Sight>>()
  return {
    renew: () => {
      reading = new Map()
    },
    read: (id, after) => {
      const key = `${id}/${after}`
      const known = reading.get(key)
      if (known) return known
      const round = reading
      const fresh = readEvents(db, id, after).finally(() => round.delete(key))
      round.set(key, fresh)
      return fresh
    },
  }
}

/** The events of a sight, with those that the row tells: the beginning of the wait, and the end. */
function newIn({ events, status, attempt, queuedAt, errors }: Sight, after: number): readonly StoredEvent[] {
  const first = after < 0 ? [eventOf(0, 'phase', { phase: 'queued', attempt: 0, at: queuedAt.toISOString() })] : []
  const isWhole = events.length < EVENTS_PER_READ
  const end = finalEventId(attempt)
  const last =
    isFinal(status) && isWhole && after < end ? [eventOf(end, 'finished', { status, executionErrors: errors })] : []
  return [...first, ...events, ...last]
}

const eventOf = (id: number, kind: StoredEvent['kind'], data: object): StoredEvent => ({
  id,
  kind,
  data: JSON.stringify(data),
})
