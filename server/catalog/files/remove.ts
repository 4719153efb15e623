/** Deleting a file or a directory with everything in it. The blobs go when the rows are gone for good. */

import type { Blobs } from '../../stores/blobs/blobs.ts'
import type { Database } from '../../stores/postgres/database.ts'
import { lockFile } from './move.ts'
import { pathIn } from './paths.ts'
import { reshape } from './reshape.ts'
import type { FileTree } from './rows.ts'
import { idsBelow } from './subtree.ts'

/** Blobs deleted at the same time. */
const AT_ONCE = 16

/** @throws notFound */
export async function deleteFile({ db, blobs }: { db: Database; blobs: Blobs }, tree: FileTree, id: string) {
  const keys = await reshape(db, tree, async (tx) => {
    const row = await lockFile(tx, tree, id)
    const below = row.type === 'directory' ? await idsBelow(tx, tree, pathIn(row.parent_directory, row.name)) : []
    const gone = await tx.query<{ blob_key: string | null }>(
      'delete from files where id = any($1) returning blob_key',
      [[id, ...below]],
    )
    return gone.flatMap(({ blob_key }) => blob_key ?? [])
  })
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    // The files are gone; a blob that could not be deleted is left to the daily pass.
    await Promise.allSettled(keys.slice(from, from + AT_ONCE).map((key) => blobs.delete(key)))
  }
}
