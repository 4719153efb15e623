/** Tells the database where a run is, at most a few times a second: a notebook of 1,000 quick cells must not write 1,000 rows. */

import { setTimeout } from 'node:timers/promises'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type Holder, recordProgress } from './store.ts'

/** Often enough for a person who watches, and 4 writes a second for a run. */
const INTERVAL_MS = 250

export interface Reporter extends AsyncDisposable {
  report(cell: number, cells: number): void
}

/** Writes the first report at once and later ones at most every 250 ms; the last one is never lost. */
export function createReporter(db: Queryable, holder: Holder, log: Log): Reporter {
  let latest: { cell: number; cells: number } | undefined
  let writing: Promise<void> | undefined
  const closing = new AbortController()

  const write = async () => {
    while (latest) {
      const { cell, cells } = latest
      latest = undefined
      try {
        await recordProgress(db, holder, { phase: 'notebook', cell, cells })
      } catch (error) {
        log.warn({ executionId: holder.id, error: messageOf(error) }, 'progress not recorded')
      }
      // Closing cuts the pause short, so that a quick run never waits for its own progress.
      await setTimeout(INTERVAL_MS, undefined, { signal: closing.signal, ref: false }).catch(() => {})
    }
    writing = undefined
  }

  return {
    report: (cell, cells) => {
      latest = { cell, cells }
      writing ??= write()
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      await writing
    },
  }
}
