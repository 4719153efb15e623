/** Output directory: everything a directory of OUTPUT_DIR has, placed into one of the application's. */

import type { DirectoryOutput } from '../../../contract/notebook-files.ts'
import { placeTree } from '../../catalog/files/place-tree.ts'
import { newId } from '../../ground/ids.ts'
import { directoryOf } from './destination.ts'
import type { OutputTree, Store } from './output.ts'

/** Copies made at the same time: hard links on one disk. */
const AT_ONCE = 32

export const storeDirectory: Store<DirectoryOutput, OutputTree> = async (output, tree, storing) => {
  const { applicationId, notebookId, blobs, signal } = storing
  const directory = directoryOf(output, storing.context)
  const files = tree.files.map(({ path, kept }) => ({
    path,
    from: kept.key,
    blobKey: `files/${applicationId}/${newId()}`,
    sizeBytes: kept.size,
    contentType: kept.contentType,
  }))
  for (let from = 0; from < files.length; from += AT_ONCE) {
    signal.throwIfAborted()
    const batch = files.slice(from, from + AT_ONCE)
    for (const { blobKey } of batch) storing.dropOnFailure(blobKey)
    await Promise.all(batch.map((file) => blobs.copy(file.from, file.blobKey)))
  }
  const { replaced, refused, unused } = await placeTree(storing.tx, {
    applicationId,
    notebookId,
    private: output.destinationPrivate ?? false,
    directory,
    directories: tree.directories,
    files,
  })
  for (const key of [...replaced, ...unused]) storing.dropAfterwards(key)
  if (refused.length > 0) storing.reject(refused)
}
