/** Which folder keeps other users of this machine from a file. */

import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The first folder on the way to one of the paths that not everybody may enter; undefined when there is none. */
export async function closedTo(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
      if (((await stat(folder)).mode & 0o001) === 0) return folder
    }
  }
  return undefined
}
