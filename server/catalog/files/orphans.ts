/** Blobs that no file has: what a crash left between storing content and recording it, or between deleting the two. */

import type { Blobs } from '../../stores/blobs/blobs.ts'
import type { Queryable } from '../../stores/postgres/database.ts'

/** Content that is being recorded has no file yet; no upload or ending of an execution takes this long. */
const OLD_MS = 24 * 3_600_000
const BATCH = 1000

/** Deletes the blobs of files that no file has and that have not changed for a day; gives their number. */
export async function collectOrphans(db: Queryable, blobs: Blobs, now: Date, signal?: AbortSignal): Promise<number> {
  let collected = 0
  let batch: string[] = []
  const flush = async () => {
    const known = await db.query<{ blob_key: string }>('select blob_key from files where blob_key = any($1)', [batch])
    const kept = new Set(known.map(({ blob_key }) => blob_key))
    for (const key of batch) {
      if (kept.has(key)) continue
      await blobs.delete(key)
      collected += 1
    }
    batch = []
  }
  for await (const { key, changedAt } of blobs.list('files')) {
    signal?.throwIfAborted()
    if (now.getTime() - changedAt.getTime() > OLD_MS) batch.push(key)
    if (batch.length === BATCH) await flush()
  }
  if (batch.length > 0) await flush()
  return collected
}
