/** Stages the inputs of an execution: all at once, straight to the files its notebook will read. */

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import mime from 'mime'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { invalid, messageOf } from '../ground/errors.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { DuckDbEnded } from '../stores/duckdb/process.ts'
import { untilBack } from '../stores/postgres/away.ts'
import { renderTemplate } from '../templates/render.ts'
import { type Failure, inputFailed } from './causes.ts'
import { gatherInput } from './inputs/gather.ts'
import type { Staging } from './inputs/input.ts'
import { plainName } from './plain-name.ts'
import type { KeptFile } from './record.ts'

const CONTEXT_FILE = 'context.json'

/** Inputs that hold a session of the pool at once: one run must not take them all. */
export const EXPORTS_AT_ONCE = 2

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
  prefix: string,
): Promise<StagedInputs> {
  const gathered = await gatherInputs(inputs, templateContext, folder, staging)
  const kept = keepCopies(inputs, gathered, folder, { blobs: staging.blobs, prefix })
  return { failure: firstFailure(inputs, gathered), kept }
}

/**
 * Fills `folder` with what a notebook finds as INPUT_DIR: every input, all at once, and `context.json` when there is a
 * context. Gives the name of each file, or why there is none.
 */
export async function gatherInputs(
  inputs: readonly NotebookInput[],
  templateContext: string | undefined,
  folder: string,
  staging: Staging,
): Promise<PromiseSettledResult<string>[]> {
  if (templateContext) await writeFile(join(folder, CONTEXT_FILE), templateContext)
  const taken = new Set([CONTEXT_FILE])
  const gatherOne = async (input: NotebookInput): Promise<string> => {
    const name = nameOf(input, staging, taken)
    const file = join(folder, name)
    // A database that is away is no fault of the input; what was written of it is written anew.
    const gather = async () => {
      await rm(file, { force: true })
      await gatherInput(input, file, staging)
    }
    // Nor is a DuckDB that was killed, maybe because somebody else's export would not stop.
    await untilBack(() => gather().catch((error) => (error instanceof DuckDbEnded ? gather() : Promise.reject(error))))
    return name
  }
  return Promise.allSettled(inputs.map(gatherOne))
}

/**
 * The inputs of a rerun: copies of what another execution had, under the same names. They are kept already, so nothing
 * is copied afterwards.
 */
export async function stageGiven(
  given: Readonly<Record<string, KeptFile>>,
  templateContext: string | undefined,
  folder: string,
  { blobs, signal }: Pick<Staging, 'blobs' | 'signal'>,
): Promise<StagedInputs> {
  if (templateContext) await writeFile(join(folder, CONTEXT_FILE), templateContext)
  const copies = await Promise.allSettled(
    Object.entries(given).map(async ([name, { key }]) => {
      if (!(await blobs.copyOut(key, join(folder, name), signal))) throw new GivenInputMissing(name)
    }),
  )
  const missing = copies.find((copy) => copy.status === 'rejected')
  const kept = Promise.resolve({ info: given, failure: undefined })
  if (!missing) return { failure: undefined, kept }
  const name = missing.reason instanceof GivenInputMissing ? missing.reason.input : 'of a rerun'
  return { failure: inputFailed(name, 'kept of an earlier execution', messageOf(missing.reason)), kept }
}

class GivenInputMissing extends Error {
  readonly input: string

  constructor(input: string) {
    super('what was kept of it is gone')
    this.input = input
  }
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

/** The first input that could not be had, and why. */
export function firstFailure(
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
