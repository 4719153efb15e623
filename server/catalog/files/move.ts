/** Moving a file or a whole directory: one transaction, the ids stay, and whoever looks sees it before or after. */

import { invalid, notFound } from '../../ground/errors.ts'
import type { Database, Queryable } from '../../stores/postgres/database.ts'
import { holdDirectories } from './directories.ts'
import { findPath } from './find.ts'
import { canHold, isWithin, normalDirectory, pathIn, requireName } from './paths.ts'
import { reshape } from './reshape.ts'
import { type Author, type FileRow, type FileTree, thingIn } from './rows.ts'
import { idsBelow } from './subtree.ts'

/** What is left out, or empty, stays as it is. */
export interface Destination {
  readonly name?: string
  readonly parentDirectory?: string
}

/**
 * Gives a file or directory another name, another directory, or both; directories above its new place are made.
 * @throws notFound; invalid for a directory that would lie within itself, a path where something is already, and paths
 *   that would become too long
 */
export async function moveFile(
  db: Database,
  tree: FileTree,
  id: string,
  to: Destination,
  author: Author,
): Promise<FileRow> {
  const name = to.name ? requireName(to.name, 'name') : undefined
  const directory = to.parentDirectory ? normalDirectory(to.parentDirectory, 'parentDirectory') : undefined
  return reshape(db, tree, async (tx) => {
    const row = await lockFile(tx, tree, id)
    const target = { directory: directory ?? row.parent_directory, name: name ?? row.name }
    const [from, path] = [pathIn(row.parent_directory, row.name), pathIn(target.directory, target.name)]
    if (from === path) return row
    if (row.type === 'directory' && isWithin(target.directory, from)) {
      throw invalid(`The directory "${from}" can't be moved into itself, to "${path}"`)
    }
    await holdDirectories(tx, tree, target.directory, author)
    if (await findPath(tx, tree, path)) throw taken(path)
    return place(tx, tree, row, { ...target, from, path }).catch((error: unknown) => {
      throw isTaken(error) ? taken(path) : error
    })
  })
}

const taken = (path: string) => invalid(`There is something at "${path}" already; delete or move that first`)

/** PostgreSQL, appendix A: a unique index would have had the path twice. */
const isTaken = (error: unknown) => error instanceof Error && 'code' in error && error.code === '23505'

/** Held until the transaction ends; those who are putting something into it are waited for. @throws notFound */
export async function lockFile(tx: Queryable, tree: FileTree, id: string): Promise<FileRow> {
  const row = await tx.one<FileRow>(
    'select * from files where id = $1 and application_id = $2 and private = $3 for update',
    [id, tree.applicationId, tree.private],
  )
  if (!row) throw notFound(thingIn(tree))
  return row
}

async function place(
  tx: Queryable,
  tree: FileTree,
  row: FileRow,
  to: { directory: string; name: string; from: string; path: string },
): Promise<FileRow> {
  if (row.type === 'directory') await placeBelow(tx, tree, to)
  const moved = await tx.one<FileRow>(
    'update files set parent_directory = $2, name = $3, updated_at = now() where id = $1 returning *',
    [row.id, to.directory, to.name],
  )
  if (!moved) throw new Error('a locked row was not there any more')
  return moved
}

/** Everything below a directory gets the new path in place of the old one; its times stay. */
async function placeBelow(
  tx: Queryable,
  tree: FileTree,
  { from, path }: { from: string; path: string },
): Promise<void> {
  const ids = await idsBelow(tx, tree, from)
  const moved = await tx.query<{ longest: string | null }>(
    `with moved as (
       update files set parent_directory = $2 || substr(parent_directory, $3)
       where id = any($1) returning parent_directory)
     select max(char_length(parent_directory))::int as longest from moved`,
    [ids, path, [...from].length + 1],
  )
  if (!canHold(path) || !canHold('x'.repeat(Number(moved[0]?.longest ?? 0)))) {
    throw invalid(`Below "${path}" directories would have paths of more than 1024 characters`)
  }
}
