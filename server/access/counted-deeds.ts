/**
 * Deeds that come too often for a row each: counted in memory and written once a second (ground/tally.ts), into one row
 * for each minute.
 */

import type { Log } from '../ground/log.ts'
import { createTally } from '../ground/tally.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type CountedDeed, writeCounted } from './deeds.ts'

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
  const tally = createTally<CountedDeed>((taken) => writeCounted(db, taken), { log, what: 'counted deeds' })
  return {
    add: (deed) => {
      const kept = tally.size < MAX_DIFFERENT ? deed : { ...deed, clientAddress: undefined, email: undefined }
      const at = now()
      tally.add(`${Math.floor(at.getTime() / 60_000)} ${JSON.stringify(kept)}`, { ...kept, at, count: 1 })
    },
    write: tally.write,
    [Symbol.asyncDispose]: tally.write,
  }
}
