/**
 * What goes on without anybody asking: deleted applications are removed, and devices that can no longer be restored. One
 * process of all does it at a time; doing it twice changes nothing.
 */

import { type ForgetDevices, purgeDevices } from '../catalog/device-purge.ts'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database } from '../stores/postgres/database.ts'
import { removeApplication } from './remove-application.ts'
import { UPKEEP } from './upkeep-channel.ts'

export interface UpkeepParts {
  readonly db: Database
  readonly blobs: Blobs
  readonly forgetDevices: ForgetDevices
  readonly log: Log
}

/** Without being told: what another process left when it ended in the middle. */
const EVERY_MS = 10 * 60_000

/** An application whose runs are still ending is looked at again after this. */
const AGAIN_MS = 1000

/** Any constant of our own: the advisory lock of whoever does the upkeep. */
const LOCK = 2_010_001

/** Does the upkeep from now on: when it is told, and every ten minutes. Disposing it waits for the pass under way. */
export async function openUpkeep(parts: UpkeepParts): Promise<AsyncDisposable> {
  const closing = new AbortController()
  let isWanted = true
  let wake = () => {}
  const want = () => {
    isWanted = true
    wake()
  }
  const listener = await parts.db.listen(UPKEEP, want)
  const timer = setInterval(want, EVERY_MS)
  const work = async () => {
    while (!closing.signal.aborted) {
      const told = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (!isWanted) await told
      isWanted = false
      if (closing.signal.aborted) return
      const left = await passQuietly(parts, closing.signal)
      if (left > 0) setTimeout(want, AGAIN_MS).unref()
    }
  }
  const working = work()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      closing.abort()
      wake()
      await listener[Symbol.asyncDispose]()
      await working
    },
  }
}

async function passQuietly(parts: UpkeepParts, signal: AbortSignal): Promise<number> {
  try {
    return await doUpkeep(parts, new Date(), signal)
  } catch (error) {
    if (!signal.aborted) parts.log.warn({ error: messageOf(error) }, 'upkeep broken off')
    return 0
  }
}

/** One pass, unless another process is at it; gives how many applications have to be looked at again. */
export async function doUpkeep(parts: UpkeepParts, now: Date, signal: AbortSignal): Promise<number> {
  await using session = await parts.db.connect()
  const lock = await session.one<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [LOCK])
  if (!lock?.held) return 0
  const { db, log } = parts
  const deleted = await db.query<{ id: string }>('select id from applications where deleted_at is not null')
  let left = 0
  for (const { id } of deleted) {
    try {
      if (await removeApplication(parts, id, signal)) log.info({ applicationId: id }, 'application removed')
      else left += 1
    } catch (error) {
      signal.throwIfAborted()
      // What cannot be removed must not keep the others; it is tried again with the next pass.
      log.warn({ applicationId: id, error: messageOf(error) }, 'application not removed yet')
    }
  }
  const devices = await purgeDevices(parts, now, signal)
  if (devices > 0) log.info({ devices }, 'devices purged')
  return left
}
