/** Blobs that nothing refers to: what a crash left between storing bytes and recording them, or between deleting the two. */

import { before, type Pass, type Swept, sum } from '../../ground/sweep.ts'
import type { Blobs, ListedBlob } from './blobs.ts'

/** Bytes that are being recorded have no row yet; no upload and no ending of an execution takes this long. */
const OLD_MS = 24 * 3_600_000
const BATCH = 1000

/** Of some keys those that are referred to. */
export type Known = (keys: readonly string[]) => Promise<ReadonlySet<string>>

/** Deletes the blobs below a prefix that are not known and have not changed for a day. */
export async function collectOrphans(blobs: Blobs, prefix: string, pass: Pass, known: Known): Promise<Swept> {
  const collected: Swept[] = []
  let batch: ListedBlob[] = []
  const flush = async () => {
    const kept = await known(batch.map(({ key }) => key))
    for (const { key, sizeBytes } of batch) {
      pass.signal.throwIfAborted()
      if (kept.has(key)) continue
      if (!pass.isDryRun) await blobs.delete(key)
      collected.push({ count: 1, bytes: sizeBytes })
    }
    batch = []
  }
  const oldest = before(pass, OLD_MS)
  for await (const blob of blobs.list(prefix)) {
    pass.signal.throwIfAborted()
    if (blob.changedAt < oldest) batch.push(blob)
    if (batch.length === BATCH) await flush()
  }
  if (batch.length > 0) await flush()
  return sum(collected)
}
