/** Files that are no segments any more, or never became any: deleted once no reader can be about to open them. */

import type { Blobs } from '../blobs/blobs.ts'
import type { Database } from '../postgres/database.ts'
import { blobOf } from './segments.ts'

/** At once. */
const BATCH = 500

/**
 * Deletes the files of an application that have been garbage for `graceMs`; gives how many. Those that a writer has
 * promised and not yet recorded are among them when it takes longer than that: it will notice.
 */
export async function collectGarbage(
  { db, blobs }: { db: Database; blobs: Blobs },
  applicationId: string,
  graceMs: number,
): Promise<number> {
  let collected = 0
  for (;;) {
    // Doomed first, and durably: a writer whose promise is doomed cannot make the file a segment any more.
    const rows = await db.query<{ id: string }>(
      `update segment_garbage set doomed = true where id in (
         select id from segment_garbage where application_id = $1 and since <= now() - $2 * interval '1 ms'
         order by since limit $3) returning id`,
      [applicationId, graceMs, BATCH],
    )
    const ids = rows.map(({ id }) => id)
    for (const id of ids) await blobs.delete(blobOf({ id, applicationId }))
    await db.query('delete from segment_garbage where id = any ($1::text[])', [ids])
    collected += ids.length
    if (ids.length < BATCH) return collected
  }
}
