/** Stages the inputs of an execution: all at once, straight to the files its notebook will read. */

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
  /** The first input that failed, when one did; the others' files are kept for the diagnosis. */
  readonly failure: Failure | undefined
  /**
   * Resolves when the copies are durable; never rejects. The notebook need not wait: it reads the files themselves, and
   * nobody is told of a copy before it is there. The folder has to stay until then.
   */
  readonly kept: Promise<KeptInputs>
}

export interface KeptInputs {
  readonly info: Readonly<Record<string, KeptFile>>
  /** The first input whose copy could not be kept. */
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
  const stageOne = async (input: NotebookInput): Promise<string> => {
    const name = nameOf(input, staging, taken)
    // A database that is away is no fault of the input; what was written of it is written anew.
    await untilBack(() => gatherInput(input, join(folder, name), staging))
    return name
  }
  const staged = await Promise.allSettled(inputs.map(stageOne))
  return { failure: firstFailure(inputs, staged), kept: keepCopies(inputs, staged, folder, kept) }
}

async function keepCopies(
  inputs: readonly NotebookInput[],
  staged: readonly PromiseSettledResult<string>[],
  folder: string,
  { blobs, prefix }: { blobs: Blobs; prefix: string },
): Promise<KeptInputs> {
  const keepOne = async (name: string, index: number): Promise<[string, KeptFile]> => {
    const key = `${prefix}/inputs/${index}`
    const { sizeBytes } = await blobs.putFile(key, join(folder, name))
    return [name, { key, size: sizeBytes, contentType: contentTypeOf(name) }]
  }
  const copies = await Promise.allSettled(
    staged.map(async (one, index) => (one.status === 'fulfilled' ? [await keepOne(one.value, index)] : [])),
  )
  const info = Object.fromEntries(copies.flatMap((copy) => (copy.status === 'fulfilled' ? copy.value : [])))
  return { info, failure: firstFailure(inputs, copies) }
}

function firstFailure(
  inputs: readonly NotebookInput[],
  results: readonly PromiseSettledResult<unknown>[],
): Failure | undefined {
  const index = results.findIndex(({ status }) => status === 'rejected')
  const [result, input] = [results[index], inputs[index]]
  if (result?.status !== 'rejected' || !input) return undefined
  return inputFailed(input.fileName, input.inputType, messageOf(result.reason))
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
