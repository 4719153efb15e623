/**
 * The working folder of one attempt: results that are too large for memory, gone when the attempt has ended. Most runs
 * never need it, so it is made when it is first asked for. The kernel has folders of its own.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../ground/remove-tree.ts'
import type { Holder } from './store.ts'

export interface WorkingFolder extends AsyncDisposable {
  /** A path below the folder for a result file; out of the notebook's reach. Makes the folder. */
  path(name: string): string
}

/** A folder below `root`, the folder of the worker; a number of an attempt is never used again, so it will be new. */
export function openWorkingFolder(root: string, holder: Holder): WorkingFolder {
  const base = join(root, `${holder.id}-${holder.attempt}`)
  let isMade = false
  return {
    path: (name) => {
      // At once, because a stream that becomes too long for memory has nothing to wait with; it takes 0.1 ms.
      if (!isMade) mkdirSync(base, { recursive: true, mode: 0o700 })
      isMade = true
      return join(base, name)
    },
    [Symbol.asyncDispose]: async () => {
      if (isMade) await removeTree(base)
    },
  }
}
