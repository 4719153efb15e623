/** Stages the inputs of an execution: all at once, straight to files of its working folder. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mime from 'mime'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { invalid, messageOf } from '../ground/errors.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { untilBack } from '../stores/postgres/away.ts'
import { renderTemplate } from '../templates/render.ts'
import { type Failure, inputFailed } from './causes.ts'
import { gatherInput } from './inputs/gather.ts'
import type { Staging } from './inputs/input.ts'
import { plainName } from './plain-name.ts'
import type { KeptFile } from './record.ts'

const CONTEXT_FILE = 'context.json'

export interface StagedInputs {
  readonly info: Record<string, KeptFile>
  /** The first input that failed, when one did; the others' files are kept for the diagnosis. */
  readonly failure: Failure | undefined
}

/** Writes every input and, when there is a context, `context.json` into `folder`, and keeps copies as blobs below `prefix`. */
export async function stageInputs(
  inputs: readonly NotebookInput[],
  templateContext: string | undefined,
  folder: string,
  staging: Staging,
  kept: { blobs: Blobs; prefix: string },
): Promise<StagedInputs> {
  if (templateContext) await writeFile(join(folder, CONTEXT_FILE), templateContext)
  const taken = new Set([CONTEXT_FILE])
  const stageOne = async (input: NotebookInput, index: number): Promise<[string, KeptFile]> => {
    const name = nameOf(input, staging, taken)
    const file = join(folder, name)
    // A database that is away is no fault of the input; what was written of it is written anew.
    await untilBack(() => gatherInput(input, file, staging))
    const key = `${kept.prefix}/inputs/${index}`
    const { sizeBytes } = await kept.blobs.putFile(key, file)
    return [name, { key, size: sizeBytes, contentType: contentTypeOf(name) }]
  }
  const results = await Promise.allSettled(inputs.map(stageOne))
  const info = Object.fromEntries(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
  const index = results.findIndex((result) => result.status === 'rejected')
  const [result, input] = [results[index], inputs[index]]
  if (result?.status !== 'rejected' || !input) return { info, failure: undefined }
  return { info, failure: inputFailed(input.fileName, input.inputType, messageOf(result.reason)) }
}

/** The media type a file name stands for, bytes when it stands for none. */
export const contentTypeOf = (fileName: string) => mime.getType(fileName) ?? 'application/octet-stream'

/** The name after rendering: a plain file name that no other input has. */
function nameOf(input: NotebookInput, staging: Staging, taken: Set<string>): string {
  const name = plainName(renderTemplate(input.fileName, staging.context))
  if (taken.has(name)) throw invalid(`its file name "${name}" is taken by another input`)
  taken.add(name)
  return name
}
