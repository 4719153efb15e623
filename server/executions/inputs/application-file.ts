/** Input applicationFile: a file of the application's public or private tree, as it is when the execution begins. */

import type { ApplicationFileInput } from '../../../contract/notebook-files.ts'
import { findFileByPath } from '../../catalog/files/find.ts'
import { invalid } from '../../ground/errors.ts'
import { renderTemplate } from '../../templates/render.ts'
import type { Gather } from './input.ts'

/** Content that is replaced between finding and copying is gone; nobody replaces it this often in a row. */
const TRIES = 5

/** Copies the file, so that a notebook that writes to it changes nothing but its own input. */
export const gatherApplicationFile: Gather<ApplicationFileInput> = async (input, file, staging) => {
  const path = renderTemplate(input.filePath, staging.context)
  const isPrivate = input.private ?? false
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = await findFileByPath(staging.db, staging.applicationId, path, { private: isPrivate })
    if (!found) throw invalid(`there is no ${isPrivate ? 'private' : 'application'} file "${path}" with content`)
    if (await staging.blobs.copyOut(found.blobKey, file, staging.signal)) return
  }
  throw invalid(`the content of "${path}" is not there, or is replaced all the time`)
}
