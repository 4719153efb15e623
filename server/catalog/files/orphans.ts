/** The content of files that no file has any more, or never had. */

import type { Pass, Swept } from '../../ground/sweep.ts'
import type { Blobs } from '../../stores/blobs/blobs.ts'
import { collectOrphans } from '../../stores/blobs/orphans.ts'
import type { Queryable } from '../../stores/postgres/database.ts'

/** Deletes the blobs of files that no file has and that have not changed for a day. */
export const collectFileOrphans = (db: Queryable, blobs: Blobs, pass: Pass): Promise<Swept> =>
  collectOrphans(blobs, 'files', pass, async (keys) => {
    const known = await db.query<{ blob_key: string }>('select blob_key from files where blob_key = any ($1)', [keys])
    return new Set(known.map(({ blob_key }) => blob_key))
  })
