/** The working folder of one attempt: its result files, gone when the attempt has ended. The kernel has folders of its own. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../ground/remove-tree.ts'
import type { Holder } from './store.ts'

export interface WorkingFolder extends AsyncDisposable {
  /** Result files; out of the notebook's reach. */
  readonly results: string
}

/** Makes the folder below `root`, the folder of the worker; a number of an attempt is never used again, so it is new. */
export async function openWorkingFolder(root: string, holder: Holder): Promise<WorkingFolder> {
  const base = join(root, `${holder.id}-${holder.attempt}`)
  await mkdir(root, { recursive: true, mode: 0o700 })
  const results = join(base, 'results')
  await mkdir(results, { recursive: true })
  return { results, [Symbol.asyncDispose]: () => removeTree(base) }
}
