/** Everything below a directory, found level by level: the hash of its path is what its entries have as their parent's. */

import type { Queryable } from '../../stores/postgres/database.ts'
import type { FileTree } from './rows.ts'

/** The ids of all files and directories below a directory, without its own. Takes time by their number only. */
export async function idsBelow(db: Queryable, tree: FileTree, directory: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `with recursive below as (
       select id, type, path_hash from files
       where application_id = $1 and private = $2 and parent_hash = file_hash($3)
       union all
       select files.id, files.type, files.path_hash from below
       join files on files.application_id = $1 and files.private = $2 and files.parent_hash = below.path_hash
       where below.type = 'directory')
     select id from below`,
    [tree.applicationId, tree.private, directory],
  )
  return rows.map(({ id }) => id)
}
