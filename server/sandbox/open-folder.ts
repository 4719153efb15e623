/** A folder that only a sandbox has, held open from outside: a file system in memory lives on while somebody holds a part of it. */

import { constants, open } from 'node:fs/promises'
import { join } from 'node:path'

export interface OpenFolder extends AsyncDisposable {
  /** Opens the folder and what is in it, for this process only, until it is closed. */
  readonly path: string
}

/**
 * Opens `path` as the process `pid` sees it, or as we do without one. The pid is a first process of a sandbox as we see it.
 * The kernel allows it to root, and to the user who made the sandbox's user namespace.
 */
export async function openFolderInside(pid: number | undefined, path: string): Promise<OpenFolder> {
  const root = pid === undefined ? '/' : `/proc/${pid}/root`
  const handle = await open(join(root, path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  return { path: `/proc/self/fd/${handle.fd}`, [Symbol.asyncDispose]: () => handle.close() }
}
