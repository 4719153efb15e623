/**
 * The folder of the keys: for its owner alone. What others could read or change is closed before anything in it is used,
 * and what can't be closed is refused, since whoever reads a key signs tokens.
 */

import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../ground/errors.ts'

/** Called with each path that others could read until now. */
export type Mended = (path: string, mode: number) => void

/** Makes the folder when there is none. @throws Error when it, or a file in it, is open to others and can't be closed */
export async function openKeyFolder(folder: string, mended: Mended = () => {}): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await close(folder, 0o700, mended)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) await close(join(folder, entry.name), 0o600, mended)
  }
}

async function close(path: string, mode: number, mended: Mended): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // A service that starts beside this one has just put it away.
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found || (found.mode & 0o077) === 0) return
  try {
    await chmod(path, mode)
  } catch (cause) {
    throw new Error(
      `${path} can be reached by others (mode ${octal(found.mode)}) and can't be closed (${messageOf(cause)}). ` +
        `It belongs to user ${found.uid}: run "chmod ${octal(mode)}" on it as that user.`,
      { cause },
    )
  }
  mended(path, found.mode & 0o777)
}

const octal = (mode: number) => (mode & 0o777).toString(8)
