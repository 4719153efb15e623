/** What lost attempts have kept as blobs: each has a prefix of its own, and in the end only the last one is referred to. */

import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { executionBlobs } from './record.ts'
import type { Holder } from './store.ts'

/** Where the files of an attempt are kept. */
export const attemptBlobs = ({ id, attempt }: Holder) => `${executionBlobs(id)}/${attempt}`

/** Drops what the attempts before this one kept; called when this one has ended the execution. */
export async function dropEarlier(blobs: Blobs, { id, attempt }: Holder): Promise<void> {
  for (let earlier = 1; earlier < attempt; earlier += 1) await blobs.deleteAll(attemptBlobs({ id, attempt: earlier }))
}

/**
 * Drops what an attempt kept that lost its execution, once a later one has it. Where there is none, what was kept last
 * stays: it shows how far the run got.
 */
export async function dropOvertaken(db: Queryable, blobs: Blobs, { id, attempt }: Holder): Promise<void> {
  const row = await db.one<{ attempt: number }>('select attempt from executions where id = $1', [id])
  if (row && row.attempt > attempt) await blobs.deleteAll(attemptBlobs({ id, attempt }))
}
