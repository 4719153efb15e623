/** The directories above a file: made when missing, and held so that none goes away before the file is there. */

import { invalid } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { pathIn, stepsTo } from './paths.ts'
import type { Author, FileTree } from './rows.ts'

/** A directory that is moved away while it is being held is made anew; nobody moves them as fast as this. */
const TRIES = 20

/**
 * Makes the directories of a path that are missing and holds all of them until the transaction ends: whoever moves or
 * deletes one waits for that. Holders do not wait for each other.
 * @throws invalid when one of them is a file
 */
export async function holdDirectories(tx: Queryable, tree: FileTree, directory: string, author: Author): Promise<void> {
  const steps = stepsTo(directory)
  for (let tries = 0; tries < TRIES; tries += 1) {
    const held = await hold(tx, tree, steps)
    const missing = steps.filter(({ path }) => !held.has(path))
    for (const { path } of steps) if (held.get(path) === 'file') throw blocked(path)
    if (missing.length === 0) return
    for (const { directory: above, name } of missing) {
      await tx.query(
        `insert into files (id, application_id, private, parent_directory, name, type, author_type, author_id)
         values ($1, $2, $3, $4, $5, 'directory', $6, $7)
         on conflict (application_id, private, path_hash) do nothing`,
        [newId(), tree.applicationId, tree.private, above, name, author.type, author.id],
      )
    }
  }
  throw new Error(`the directories of ${directory} were moved away ${TRIES} times while they were being made`)
}

const blocked = (path: string) => invalid(`"${path}" is a file, so nothing can be put below it`)

/** Path → type of what is there; share locks let others hold it too. */
async function hold(
  tx: Queryable,
  tree: FileTree,
  steps: readonly { path: string }[],
): Promise<ReadonlyMap<string, 'file' | 'directory'>> {
  if (steps.length === 0) return new Map()
  const rows = await tx.query<{ parent_directory: string; name: string; type: 'file' | 'directory' }>(
    `select parent_directory, name, type from files
     where application_id = $1 and private = $2 and path_hash = any(select file_hash(path) from unnest($3::text[]) as path)
     for share`,
    [tree.applicationId, tree.private, steps.map(({ path }) => path)],
  )
  return new Map(rows.map((row) => [pathIn(row.parent_directory, row.name), row.type]))
}
