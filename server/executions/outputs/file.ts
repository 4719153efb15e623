/** Outputs file and executionResult: a file placed among the application files, under a path made from templates. */

import mime from 'mime'
import type { ExecutionResultOutput, FileOutput } from '../../../contract/notebook-files.ts'
import { placeFile } from '../../catalog/files/place.ts'
import { newId } from '../../ground/ids.ts'
import { directoryOf, hasDestination, nameOf } from './destination.ts'
import type { OutputFile, Store, Storing } from './output.ts'

export const storeFile: Store<FileOutput> = (output, file, storing) => place(output, file, storing)

export const storeExecutionResult: Store<ExecutionResultOutput> = async (output, file, storing) => {
  if (hasDestination(output)) await place(output, file, storing)
}

async function place(output: FileOutput | ExecutionResultOutput, file: OutputFile, storing: Storing): Promise<void> {
  const { applicationId, notebookId, context } = storing
  const [directory, name] = [directoryOf(output, context), nameOf(output, context)]
  const blobKey = `files/${applicationId}/${newId()}`
  storing.dropOnFailure(blobKey)
  await storing.blobs.copy(file.kept.key, blobKey)
  const { replaced } = await placeFile(storing.tx, {
    applicationId,
    notebookId,
    private: output.destinationPrivate ?? false,
    directory,
    name,
    blobKey,
    sizeBytes: file.kept.size,
    // Who opens it sees the name it has there, which may say more than the one in OUTPUT_DIR.
    contentType: mime.getType(name) ?? file.kept.contentType,
  })
  if (replaced) storing.dropAfterwards(replaced)
}
