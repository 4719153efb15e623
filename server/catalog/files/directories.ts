/** The directories above a file: made when missing, and held so that none goes away before the file is there. */

import { invalid } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { byStep, type Step, stepsTo } from './paths.ts'
import type { Author, FileTree } from './rows.ts'

/** A directory that is moved away while it is being held is made anew; nobody moves them as fast as this. */
const TRIES = 20

/**
 * Makes the directories of a path that are missing and holds all of them until the transaction ends: whoever moves or
 * deletes one waits for that. Holders do not wait for each other.
 * @throws invalid when one of them is a file
 */
export async function holdDirectories(tx: Queryable, tree: FileTree, directory: string, author: Author): Promise<void> {
  const held = await holdAllDirectories(tx, tree, [directory], author)
  for (const [path, type] of held) if (type === 'file') throw blockedBy(path)
}

export const blockedBy = (path: string) => invalid(`"${path}" is a file, so nothing can be put below it`)

type Held = ReadonlyMap<string, 'file' | 'directory'>

/**
 * The same for the directories of many paths at once. Gives what lies at each step of them: a file stays what it is, and
 * what should be below it is not made.
 */
export async function holdAllDirectories(
  tx: Queryable,
  tree: FileTree,
  directories: readonly string[],
  author: Author,
): Promise<Held> {
  const steps = allSteps(directories)
  for (let tries = 0; tries < TRIES; tries += 1) {
    const held = await hold(tx, tree, steps)
    const missing = steps.filter(({ path }) => !held.has(path) && !isBlocked(path, held))
    if (missing.length === 0) return held
    await tx.query(
      `insert into files (id, application_id, private, parent_directory, name, type, author_type, author_id)
       select id, $1::text, $2::boolean, above, name, 'directory', $3::text, $4::text
       from unnest($5::text[], $6::text[], $7::text[]) with ordinality as given (id, above, name, n) order by n
       on conflict (application_id, private, path_hash) do nothing`,
      [
        tree.applicationId,
        tree.private,
        author.type,
        author.id,
        missing.map(() => newId()),
        missing.map(({ directory }) => directory),
        missing.map(({ name }) => name),
      ],
    )
  }
  throw new Error(`directories like ${directories[0]} were moved away ${TRIES} times while they were being made`)
}

/** Every step to any of the directories once, one before those below it and otherwise by name: all come the same way. */
function allSteps(directories: readonly string[]): Step[] {
  const steps = new Map(directories.flatMap((directory) => stepsTo(directory).map((step) => [step.path, step])))
  return [...steps.values()].sort(byStep)
}

function isBlocked(path: string, held: Held): boolean {
  return stepsTo(path).some((step) => held.get(step.path) === 'file')
}

/** Path → type of what is there; share locks, taken in the order given, let others hold it too. */
async function hold(tx: Queryable, tree: FileTree, steps: readonly Step[]): Promise<Held> {
  if (steps.length === 0) return new Map()
  const rows = await tx.query<{ path: string; type: 'file' | 'directory' }>(
    `select path, type from unnest($3::text[]) with ordinality as step (path, n)
     join files on application_id = $1 and private = $2 and path_hash = file_hash(path)
     order by n for share of files`,
    [tree.applicationId, tree.private, steps.map(({ path }) => path)],
  )
  return new Map(rows.map(({ path, type }) => [path, type]))
}
