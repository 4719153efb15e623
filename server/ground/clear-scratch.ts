/** Files of a moment whose process was killed before it could remove them. */

import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from './remove-tree.ts'
import { before, type Pass, type Swept, sum } from './sweep.ts'

/** Nothing that is still used has not been written to for so long: a job may take an hour, a read a minute. */
const ABANDONED_MS = 24 * 3_600_000

/**
 * Removes what lies in the folders of `root` and was last changed a day before the pass. The folders themselves stay: one
 * that is empty may belong to another process that has just nothing to put there. `isOurs` tells by its name what may go.
 */
export async function clearScratch(
  root: string,
  pass: Pass,
  isOurs: (name: string) => boolean | Promise<boolean> = () => true,
): Promise<Swept> {
  const cleared: Swept[] = []
  const oldest = before(pass, ABANDONED_MS).getTime()
  for (const folder of await readdir(root).catch(() => [])) {
    for (const name of await readdir(join(root, folder)).catch(() => [])) {
      const path = join(root, folder, name)
      const found = await stat(path).catch(() => undefined) // its process may be removing it this very moment
      if (!found || found.mtimeMs >= oldest || !(await isOurs(name))) continue
      pass.signal.throwIfAborted()
      cleared.push({ count: 1, bytes: await sizeOf(path) })
      if (!pass.isDryRun) await removeTree(path)
    }
  }
  return sum(cleared)
}

/** All bytes of a file or a tree; what can't be looked into counts as nothing. */
async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined)
  if (!found?.isDirectory()) return found?.size ?? 0
  let bytes = 0
  for (const name of await readdir(path).catch(() => [])) bytes += await sizeOf(join(path, name))
  return bytes
}
