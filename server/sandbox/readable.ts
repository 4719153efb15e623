/** Files of ours that sandboxes read, opened for their identities when the repository was cloned under a strict umask. */

import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Makes a folder readable for everybody, as `chmod -R a+rX` does. Only root needs it, because only root's sandboxes
 * have identities of their own; the folders above may stay closed, since what is inside is mounted.
 */
export async function openToSandboxes(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const inside = await readdir(folder, { recursive: true })
  for (const path of [folder, ...inside.map((name) => join(folder, name))]) {
    const found = await stat(path)
    const wanted = found.isDirectory() || (found.mode & 0o100) !== 0 ? 0o555 : 0o444
    if ((found.mode & wanted) !== wanted) await chmod(path, (found.mode | wanted) & 0o7777)
  }
}
