/**
 * Counts of requests that the services of a cluster share. Each counts in memory, and four times a second adds what it
 * counted to a table and takes over what all of them did, in one statement, however many requests there were. So no
 * request waits for the database, and one that is away only means that each service counts alone; a caller may make as
 * many requests too many as come in a quarter of a second.
 */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { Bucket } from './rates.ts'

const SHARE_EVERY_MS = 250
const TIDY_EVERY_MS = 60_000

export interface SharedRates extends AsyncDisposable {
  /** Shares now what was counted so far. */
  share(): Promise<void>
}

interface Row {
  readonly bucket: string
  readonly key: string
  readonly window_end: number
  readonly hits: number
}

/** Shares the counts of these buckets until disposed. */
export function shareRates(db: Queryable, buckets: readonly Bucket[], log: Log): SharedRates {
  let tidiedAt = 0
  let isAway = false
  const shareNow = async () => {
    const now = Date.now()
    const pending = buckets.flatMap((bucket) => bucket.takePending(now))
    try {
      const rows = pending.length === 0 ? [] : await add(db, pending)
      for (const { bucket, key, window_end, hits } of rows)
        buckets.find(({ name }) => name === bucket)?.learn(key, window_end, hits)
      if (now - tidiedAt > TIDY_EVERY_MS) {
        tidiedAt = now
        await db.query('delete from request_counts where window_end < $1', [now - TIDY_EVERY_MS])
      }
      isAway = false
    } catch (error) {
      // Once for each time it is away; what was counted meanwhile is known here only.
      if (!isAway) log.warn({ error: messageOf(error) }, 'counts of requests not shared')
      isAway = true
    }
  }
  let sharing: Promise<void> = Promise.resolve()
  const share = () => {
    sharing = sharing.then(shareNow)
    return sharing
  }
  let isDue = true
  const timer = setInterval(() => {
    if (!isDue) return
    isDue = false
    void share().finally(() => {
      isDue = true
    })
  }, SHARE_EVERY_MS).unref()
  return {
    share,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await sharing
    },
  }
}

/** In one order, so that two services that add at the same time do not wait for each other in a circle. */
const add = (db: Queryable, pending: ReturnType<Bucket['takePending']>) =>
  db.query<Row>(
    `insert into request_counts as counts (bucket, key, window_end, hits)
     select * from unnest($1::text[], $2::text[], $3::bigint[], $4::int[]) as given (bucket, key, window_end, hits)
     order by bucket, key, window_end
     on conflict (bucket, key, window_end) do update set hits = counts.hits + excluded.hits
     returning bucket, key, window_end, hits`,
    [
      pending.map(({ bucket }) => bucket),
      pending.map(({ key }) => key),
      pending.map(({ windowEnd }) => windowEnd),
      pending.map(({ hits }) => hits),
    ],
  )
