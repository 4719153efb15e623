/** Outputs file and executionResult: a file placed among the application files, under a path made from templates. */

import type { ExecutionResultOutput, FileOutput } from '../../../contract/notebook-files.ts'
import { placeFile } from '../../catalog/files/place.ts'
import { newId } from '../../ground/ids.ts'
import { renderTemplate } from '../../templates/render.ts'
import type { OutputFile, Store, Storing } from './output.ts'

export const storeFile: Store<FileOutput> = (output, file, storing) => place(output, file, storing)

/** A result file without a destination is only linked to from the execution. */
export const storeExecutionResult: Store<ExecutionResultOutput> = async (output, file, storing) => {
  if (hasDestination(output)) await place(output, file, storing)
}

export const hasDestination = (output: Destination): boolean =>
  Boolean(output.destinationFileNameTemplate || output.destinationDirectoryTemplate)

interface Destination {
  readonly destinationFileNameTemplate?: string
  readonly destinationDirectoryTemplate?: string
  readonly destinationPrivate?: boolean
}

async function place(destination: Destination, file: OutputFile, storing: Storing): Promise<void> {
  const { applicationId, notebookId, context } = storing
  const blobKey = `files/${applicationId}/${newId()}`
  storing.dropOnFailure(blobKey)
  await storing.blobs.copy(file.kept.key, blobKey)
  const { replaced } = await placeFile(storing.tx, {
    applicationId,
    notebookId,
    private: destination.destinationPrivate ?? false,
    directory: renderTemplate(destination.destinationDirectoryTemplate ?? '/', context),
    name: renderTemplate(destination.destinationFileNameTemplate ?? file.fileName, context),
    blobKey,
    sizeBytes: file.kept.size,
    contentType: file.kept.contentType,
  })
  if (replaced) storing.dropAfterwards(replaced)
}
