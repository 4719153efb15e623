/** The files of a run that has ended, kept as blobs: its results, and what it wrote into OUTPUT_DIR for its outputs. */

import type { ExecutionResultOutput, NotebookOutput } from '../../contract/notebook-files.ts'
import { invalid, messageOf } from '../ground/errors.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { renderTemplate, type TemplateContext } from '../templates/render.ts'
import { type Failure, outputMissing, outputRejected } from './causes.ts'
import { type CollectedFile, collectFile, OutputMissing } from './outputs/collect.ts'
import { type CollectedTree, collectTree } from './outputs/collect-tree.ts'
import type { OutputFile, OutputTree } from './outputs/output.ts'
import { createQuota } from './outputs/quota.ts'
import { leftOut } from './outputs/shown-list.ts'
import { plainName } from './plain-name.ts'
import type { Execution, KeptFile } from './record.ts'
import type { Result } from './results.ts'
import { contentTypeOf } from './staging.ts'

export interface Keepable {
  readonly execution: Execution
  readonly failure: Failure | undefined
  /** OUTPUT_DIR, with the sandbox gone; undefined when there was no kernel, which is a failure. */
  readonly outputDir: string | undefined
  /** Result files by their public name. */
  readonly results: ReadonlyMap<string, Result>
  readonly context: TemplateContext
  readonly blobs: Blobs
  /** Where the files of this attempt are kept. */
  readonly prefix: string
  /** What all configured outputs together may have, and how many files and folders in the directories among them. */
  readonly maxBytes: number
  readonly maxFiles: number
  readonly signal: AbortSignal
  /** Aborted when a cancellation comes while outputs are stored, which ends that. */
  readonly canceled: AbortSignal
}

export interface KeptFiles extends AsyncDisposable {
  /** What outputInfo shows. */
  readonly kept: ReadonlyMap<string, KeptFile>
  readonly byOutput: ReadonlyMap<NotebookOutput, OutputFile | OutputTree>
  readonly failures: readonly Failure[]
}

/** Result files are kept after every ending, the configured outputs only when the notebook ran to its end. */
export async function keepFiles(ending: Keepable): Promise<KeptFiles> {
  await using open = new AsyncDisposableStack()
  const keeping = new Map<string, Promise<KeptFile>>()
  const keep = (fileName: string, content: Result): Promise<KeptFile> => {
    const known = keeping.get(fileName)
    if (known) return known
    const key = `${ending.prefix}/outputs/${keeping.size}`
    const fresh = keepOne(ending.blobs, key, fileName, content)
    fresh.catch(() => {}) // heard of below, whichever fails first
    keeping.set(fileName, fresh)
    return fresh
  }
  // All at once: what takes long is the disk, which writes several files out in the time of one.
  const results = [...ending.results].map(([name, content]) => keep(name, content))
  const taken = await takeOutputs(ending, (file) => open.use(file), keep)
  const outputs = await Promise.allSettled(
    taken.map(async ({ output, tree, file }) => {
      if (tree) return [output, tree] as const
      if (!file) return undefined
      const { fileName, content, path } = file
      const kept = await keep(fileName, content)
      return [output, { fileName, kept, ...(path === undefined ? {} : { path }) }] as const
    }),
  )
  await Promise.allSettled(keeping.values()) // nothing is written any more when this fails
  await Promise.all(results)
  const failures = taken.flatMap(({ output, error }, index) => {
    const kept = outputs[index]
    if (kept?.status === 'rejected') return [outputFailure(output, kept.reason)]
    return error === undefined ? [] : [outputFailure(output, error)]
  })
  const found = outputs.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []))
  const byOutput = new Map<NotebookOutput, OutputFile | OutputTree>(found)
  const kept = new Map<string, KeptFile>()
  for (const [name, file] of keeping) await file.then((value) => kept.set(name, value)).catch(() => {})
  const owned = open.move()
  return { kept, byOutput, failures, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A configured output with what was found for it: nothing, its content, or why it can't be had, in whole or in part. */
interface Taken {
  readonly output: NotebookOutput
  readonly file?: {
    readonly fileName: string
    readonly content: Result
    /** Of a file of OUTPUT_DIR. */
    readonly path?: string
  }
  /** Kept already: so many files can't all be held open. */
  readonly tree?: OutputTree
  readonly error?: unknown
}

/** Opens what the notebook wrote, one file after the other: their sizes are summed up. `hold` keeps them open. */
async function takeOutputs(
  ending: Keepable,
  hold: (file: CollectedFile) => void,
  keep: (fileName: string, content: Result) => Promise<KeptFile>,
): Promise<Taken[]> {
  const outputDir = ending.failure || ending.canceled.aborted ? undefined : ending.outputDir
  const quota = createQuota({ maxBytes: ending.maxBytes, maxEntries: ending.maxFiles })
  const signal = AbortSignal.any([ending.signal, ending.canceled])
  const names = new Set<string>()
  const trees = new Map<string, CollectedTree<KeptFile>>()
  const takeOne = async (folder: string, output: Exclude<NotebookOutput, ExecutionResultOutput>): Promise<Taken> => {
    const name = plainName(renderTemplate(configuredName(output), ending.context))
    if (output.outputType === 'directory') {
      const keepBelow = (path: string, file: CollectedFile) => keep(`${name}/${path}`, file.path)
      const tree = trees.get(name) ?? (await collectTree(folder, name, { keep: keepBelow, quota, signal }))
      trees.set(name, tree)
      const { told, count } = tree.rejected
      return { output, tree, ...(count > 0 ? { error: invalid(leftOut(told, count)) } : {}) }
    }
    const file = await collectFile(folder, name)
    hold(file)
    // A notebook may write a file that is called like a result of its run; it is another one.
    const fileName = ending.results.has(name) ? `OUTPUT_DIR/${name}` : name
    if (!names.has(fileName)) quota.take(file.sizeBytes)
    names.add(fileName)
    return { output, file: { fileName, content: file.path, path: file.path } }
  }
  const taken: Taken[] = []
  for (const output of ending.execution.snapshot.outputs) {
    if (output.outputType === 'executionResult') {
      const content = ending.results.get(output.fileName)
      taken.push({ output, ...(content === undefined ? {} : { file: { fileName: output.fileName, content } }) })
    } else if (outputDir !== undefined) {
      taken.push(await takeOne(outputDir, output).catch((error: unknown) => ({ output, error })))
    }
  }
  return taken
}

async function keepOne(blobs: Blobs, key: string, fileName: string, content: Result): Promise<KeptFile> {
  const { sizeBytes } = await (typeof content === 'string' ? blobs.putFile(key, content) : blobs.put(key, content))
  return { key, size: sizeBytes, contentType: contentTypeOf(fileName) }
}

/** What an output is called in its notebook's configuration. */
export const configuredName = (output: NotebookOutput) =>
  output.outputType === 'directory' ? output.directoryName : output.fileName

/** The failure of one output, from what taking, keeping or storing it threw. */
export function outputFailure(output: NotebookOutput, error: unknown): Failure {
  const toFailure = error instanceof OutputMissing ? outputMissing : outputRejected
  return toFailure(configuredName(output), output.outputType, messageOf(error))
}
