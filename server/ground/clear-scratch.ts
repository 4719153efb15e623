/** Files of a moment whose process was killed before it could remove them. */

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from './remove-tree.ts'

/** Nothing that is still used has not been written to for so long: a job may take an hour, a read a minute. */
const ABANDONED_MS = 24 * 3_600_000

/**
 * Removes what lies in the folders of `root` and was last changed a day before `now`. The folders themselves stay: one
 * that is empty may belong to another process that has just nothing to put there.
 */
export async function clearScratch(root: string, now: Date): Promise<void> {
  for (const folder of await readdir(root).catch(() => [])) {
    for (const name of await readdir(join(root, folder)).catch(() => [])) {
      const path = join(root, folder, name)
      const found = await stat(path).catch(() => undefined) // its process may be removing it this very moment
      if (found && now.getTime() - found.mtimeMs > ABANDONED_MS) await removeTree(path)
    }
  }
}
