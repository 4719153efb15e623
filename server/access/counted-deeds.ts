/**
 * Deeds that come too often for a row each: counted in memory and written once a second, into one row for each minute. A
 * process that dies loses what it counted in its last second.
 */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type CountedDeed, writeCounted } from './deeds.ts'

const WRITE_EVERY_MS = 1000
/** Different ones of a second. Beyond that an address is left out, so that many of them make no row each. */
const MAX_DIFFERENT = 1000

export type Countable = Omit<CountedDeed, 'at' | 'count'>

export interface CountedDeeds extends AsyncDisposable {
  add(deed: Countable): void
  /** Writes what was counted so far; a database that is away gets it later. */
  write(): Promise<void>
}

/** Opens the counters of this process; closing writes what is left. */
export function openCountedDeeds(db: Queryable, log: Log, now: () => Date = () => new Date()): CountedDeeds {
  let counts = new Map<string, CountedDeed>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const add = (deed: CountedDeed) => {
    const kept = counts.size < MAX_DIFFERENT ? deed : { ...deed, clientAddress: undefined, email: undefined }
    const { at, count, ...same } = kept
    const key = `${Math.floor(at.getTime() / 60_000)} ${JSON.stringify(same)}`
    const known = counts.get(key)
    counts.set(key, known ? { ...known, count: known.count + count } : kept)
    timer ??= setTimeout(() => void write(), WRITE_EVERY_MS).unref()
  }
  const writeNow = async () => {
    clearTimeout(timer)
    timer = undefined
    const taken = [...counts.values()]
    counts = new Map()
    try {
      await writeCounted(db, taken)
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'counted deeds not written yet')
      for (const deed of taken) add(deed)
    }
  }
  const write = () => {
    writing = writing.then(writeNow)
    return writing
  }
  return { add: (deed) => add({ ...deed, at: now(), count: 1 }), write, [Symbol.asyncDispose]: write }
}
