/** Takes from a queue whenever something may be in it: at a notification, and every second as the net below them. */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Database } from '../stores/postgres/database.ts'

export interface PumpParts {
  readonly db: Database
  readonly log: Log
  readonly channel: string
  /** Takes one thing, or a handful, and says whether there may be more that it could take now. */
  readonly take: () => Promise<boolean>
  readonly pollMs?: number
}

export interface Pump extends AsyncDisposable {
  /** Looks again; for when a slot is free. */
  wake(): void
  /** Resolves when no look is under way. */
  settled(): Promise<void>
}

const POLL_MS = 1000

/** Takes until disposed, one look at a time; what fails is tried again at the next one. */
export async function openPump({ db, log, channel, take, pollMs = POLL_MS }: PumpParts): Promise<Pump> {
  let isClosed = false
  let again = false
  let looking: Promise<void> | undefined
  const look = async () => {
    try {
      while (again && !isClosed) {
        again = false
        while (!isClosed && (await take()));
      }
    } catch (error) {
      if (!isClosed) log.warn({ channel, error: messageOf(error) }, 'nothing taken from the queue')
    } finally {
      looking = undefined
    }
  }
  const wake = () => {
    again = true
    if (!isClosed) looking ??= look()
  }
  const listener = await db.listen(channel, wake, { onReconnect: wake })
  const timer = setInterval(wake, pollMs)
  wake()
  return {
    wake,
    settled: async () => looking,
    async [Symbol.asyncDispose]() {
      isClosed = true
      clearInterval(timer)
      await listener[Symbol.asyncDispose]()
      await looking
    },
  }
}
