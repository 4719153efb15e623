/** Input externalUrl: what a URL answers, byte for byte. Only public addresses, unless the operator trusts more. */

import { chmod } from 'node:fs/promises'
import type { ExternalUrlInput } from '../../../contract/notebook-files.ts'
import { messageOf } from '../../ground/errors.ts'
import { fetchToFile } from '../../outgoing/fetch-file.ts'
import { renderTemplate } from '../../templates/render.ts'
import type { Gather } from './input.ts'

export const gatherExternalUrl: Gather<ExternalUrlInput> = async (input, file, { context, fetching, signal }) => {
  const url = renderTemplate(input.sourceUrl, context)
  try {
    await fetchToFile(url, file, { ...fetching, signal })
    // What is fetched is closed to others; a run reads its inputs as a user of its own.
    await chmod(file, 0o644)
  } catch (error) {
    // Without the cause: a connection that was refused there is no sign that our database is away.
    throw new Error(messageOf(error))
  }
}
