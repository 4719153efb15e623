/** The files of a run that has ended, kept as blobs: its results, and what it wrote into OUTPUT_DIR for its outputs. */

import type { NotebookOutput } from '../../contract/notebook-files.ts'
import { invalid, messageOf } from '../ground/errors.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { renderTemplate, type TemplateContext } from '../templates/render.ts'
import { type Failure, outputMissing, outputRejected } from './causes.ts'
import { type CollectedFile, collectFile, FileMissing } from './outputs/collect.ts'
import type { OutputFile } from './outputs/output.ts'
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
  /** What all configured outputs together may have. */
  readonly maxBytes: number
  /** Aborted when a cancellation comes while outputs are stored, which ends that. */
  readonly canceled: AbortSignal
}

export interface KeptFiles extends AsyncDisposable {
  /** What outputInfo shows. */
  readonly kept: ReadonlyMap<string, KeptFile>
  readonly byOutput: ReadonlyMap<NotebookOutput, OutputFile>
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
  const taken = await takeOutputs(ending, (file) => open.use(file))
  const outputs = await Promise.allSettled(
    taken.map(async ({ output, fileName, content, path }) => {
      if (content === undefined) return undefined
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
  const byOutput = new Map(outputs.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : [])))
  const kept = new Map<string, KeptFile>()
  for (const [name, file] of keeping) await file.then((value) => kept.set(name, value)).catch(() => {})
  const owned = open.move()
  return { kept, byOutput, failures, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A configured output with what was found for it: nothing, its content, or why it can't be had. */
interface Taken {
  readonly output: NotebookOutput
  readonly fileName: string
  readonly content?: Result
  /** Of a file of OUTPUT_DIR. */
  readonly path?: string
  readonly error?: unknown
}

/** Opens what the notebook wrote, one file after the other: their sizes are summed up. `hold` keeps them open. */
async function takeOutputs(ending: Keepable, hold: (file: CollectedFile) => void): Promise<Taken[]> {
  const outputDir = ending.failure || ending.canceled.aborted ? undefined : ending.outputDir
  const taken: Taken[] = []
  const names = new Set(ending.results.keys())
  let total = 0
  for (const output of ending.execution.snapshot.outputs) {
    const fileName = output.outputType === 'directory' ? output.directoryName : output.fileName
    if (output.outputType === 'executionResult') {
      const content = ending.results.get(fileName)
      taken.push({ output, fileName, ...(content === undefined ? {} : { content }) })
    } else if (outputDir !== undefined && output.outputType !== 'directory') {
      try {
        const name = plainName(renderTemplate(fileName, ending.context))
        const file = await collectFile(outputDir, name)
        hold(file)
        const size = names.has(name) ? 0 : file.sizeBytes
        // By apparent size: a sparse file of a petabyte takes no disk in the sandbox, but would take it here.
        if (total + size > ending.maxBytes) {
          throw invalid(`with it the outputs would have more than ${ending.maxBytes} bytes (FIELDBOOK_OUTPUT_SIZE)`)
        }
        total += size
        names.add(name)
        taken.push({ output, fileName: name, content: file.path, path: file.path })
      } catch (error) {
        taken.push({ output, fileName, error })
      }
    }
  }
  return taken
}

async function keepOne(blobs: Blobs, key: string, fileName: string, content: Result): Promise<KeptFile> {
  const { sizeBytes } = await (typeof content === 'string' ? blobs.putFile(key, content) : blobs.put(key, content))
  return { key, size: sizeBytes, contentType: contentTypeOf(fileName) }
}

/** The failure of one output, from what taking, keeping or storing it threw. */
export function outputFailure(output: NotebookOutput, error: unknown): Failure {
  const name = output.outputType === 'directory' ? output.directoryName : output.fileName
  const toFailure = error instanceof FileMissing ? outputMissing : outputRejected
  return toFailure(name, output.outputType, messageOf(error))
}
