/**
 * Counts that come too fast to be written one by one: kept in memory and written together once a second. A process that
 * dies loses what it counted in its last second.
 */

import { messageOf } from './errors.ts'
import type { Log } from './log.ts'

const WRITE_EVERY_MS = 1000

/** So many of something; the rest says of what. */
export interface Counted {
  readonly count: number
}

export interface Tally<T extends Counted> extends AsyncDisposable {
  /** How many different things were counted since the last write. */
  readonly size: number
  /** Adds to what was counted under the same key. */
  add(key: string, counted: T): void
  /** Writes what was counted so far; what can't be written is kept for the next time. */
  write(): Promise<void>
}

/** `store` is called with what came together, never twice at once; `what` names it in the log. Closing writes what is left. */
export function createTally<T extends Counted>(
  store: (counted: readonly T[]) => Promise<void>,
  { log, what }: { readonly log: Log; readonly what: string },
): Tally<T> {
  let counts = new Map<string, T>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const add = (key: string, counted: T) => {
    const known = counts.get(key)
    counts.set(key, known ? { ...known, count: known.count + counted.count } : counted)
    timer ??= setTimeout(() => void write(), WRITE_EVERY_MS).unref()
  }
  const writeNow = async () => {
    clearTimeout(timer)
    timer = undefined
    const taken = counts
    counts = new Map()
    try {
      await store([...taken.values()])
    } catch (error) {
      log.warn({ error: messageOf(error) }, `${what} not written yet`)
      for (const [key, counted] of taken) add(key, counted)
    }
  }
  const write = () => {
    writing = writing.then(writeNow)
    return writing
  }
  return {
    get size() {
      return counts.size
    },
    add,
    write,
    [Symbol.asyncDispose]: write,
  }
}
