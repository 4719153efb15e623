/** The working folder of one attempt: inputs, outputs, scratch space and result files, gone when the attempt has ended. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../ground/remove-tree.ts'
import type { Holder } from './store.ts'

export interface WorkingFolder extends AsyncDisposable {
  /** What the notebook finds as INPUT_DIR. */
  readonly inputs: string
  /** What the notebook finds as OUTPUT_DIR. */
  readonly outputs: string
  /** The notebook's current directory. */
  readonly work: string
  /** Result files; out of the notebook's reach. */
  readonly results: string
}

/** Makes the folder anew below `root`; what an earlier try of the same attempt left is dropped. */
export async function openWorkingFolder(root: string, holder: Holder): Promise<WorkingFolder> {
  const base = join(root, `${holder.id}-${holder.attempt}`)
  await removeTree(base)
  // Closed to other users of the machine; the sandbox gets at the folders inside by mounts, not by this path.
  await mkdir(root, { recursive: true, mode: 0o700 })
  const [inputs, outputs, work, results] = ['in', 'out', 'work', 'results'].map((name) => join(base, name)) as [
    string,
    string,
    string,
    string,
  ] // four names in, four paths out
  for (const folder of [inputs, outputs, work, results]) await mkdir(folder, { recursive: true })
  return {
    inputs,
    outputs,
    work,
    results,
    [Symbol.asyncDispose]: () => removeTree(base),
  }
}
