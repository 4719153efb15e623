/**
 * The end of an execution: keeps its files as blobs, then stores outputs, file records and the final status in one
 * transaction, so that all of it becomes visible together, once, and only for the attempt that still holds the run.
 */

import type { NotebookOutput } from '../../contract/notebook-files.ts'
import { invalid, messageOf } from '../ground/errors.ts'
import { storableText } from '../ground/storable.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database, Transaction } from '../stores/postgres/database.ts'
import { renderTemplate, type TemplateContext } from '../templates/render.ts'
import { type Failure, finalStatus, isFinal } from './lifecycle.ts'
import { collectFile } from './outputs/collect.ts'
import type { OutputFile } from './outputs/output.ts'
import { storeOutput } from './outputs/store.ts'
import { plainName } from './plain-name.ts'
import type { Execution, KeptFile } from './record.ts'
import { contentTypeOf } from './staging.ts'
import { canceledIn } from './stop.ts'
import { getExecution, lockExecution, recordEnd } from './store.ts'

export interface Ending {
  readonly execution: Execution
  readonly failure: Failure | undefined
  /** OUTPUT_DIR, with the sandbox gone. */
  readonly outputDir: string
  /** Result files by their public name: path on this machine. */
  readonly results: ReadonlyMap<string, string>
  /** Results that could not be made. */
  readonly unmade: readonly Failure[]
  readonly context: TemplateContext
  readonly blobs: Blobs
  /** Where the files of this attempt are kept. */
  readonly prefix: string
  /** What all configured outputs together may have. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** Gives the final status, or undefined when the run belongs to somebody else by now and nothing was written. */
export async function finishExecution(db: Database, ending: Ending): Promise<Execution['status'] | undefined> {
  const { execution, blobs } = ending
  await using files = await keepFiles(ending)
  const garbage = { afterwards: [] as string[], onFailure: [] as string[] }
  try {
    const status = await db.transaction(
      async (tx) => {
        const held = await lockExecution(tx, execution)
        if (!held) return undefined
        // A cancellation that came while the run was ending still counts, unless something else had ended it before.
        const failure = ending.failure ?? (held === 'canceling' ? canceledIn('outputs') : undefined)
        const stored = await storeAll(tx, ending, files, failure, garbage)
        const failures = [...(failure ? [failure] : []), ...ending.unmade, ...files.failures, ...stored]
        return writeEnd(tx, execution, failures, failure, failure ? resultsOnly(ending, files.kept) : files.kept)
      },
      { statementTimeoutMs: 0 },
    )
    if (status) await Promise.all(garbage.afterwards.map((key) => blobs.delete(key)))
    else await blobs.deleteAll(`${ending.prefix}/outputs`) // nobody else has this attempt, so nobody refers to them
    return status
  } catch (error) {
    // Where only the answer to the commit was lost, files refer to these blobs; unsure, they are left.
    if (await isUnfinished(db, execution)) await Promise.all(garbage.onFailure.map((key) => blobs.delete(key)))
    throw error
  }
}

/** true only when the row was read and has not ended. */
async function isUnfinished(db: Database, { notebookId, id }: Execution): Promise<boolean> {
  try {
    return !isFinal((await getExecution(db, notebookId, id)).status)
  } catch {
    return false
  }
}

const resultsOnly = (ending: Ending, kept: ReadonlyMap<string, KeptFile>) =>
  new Map([...kept].filter(([name]) => ending.results.has(name)))

interface KeptFiles extends AsyncDisposable {
  /** What outputInfo shows. */
  readonly kept: ReadonlyMap<string, KeptFile>
  readonly byOutput: ReadonlyMap<NotebookOutput, OutputFile>
  readonly failures: readonly Failure[]
}

/** Result files are kept after every ending, the configured outputs only when the notebook ran to its end. */
async function keepFiles(ending: Ending): Promise<KeptFiles> {
  await using open = new AsyncDisposableStack()
  const kept = new Map<string, KeptFile>()
  const byOutput = new Map<NotebookOutput, OutputFile>()
  const failures: Failure[] = []
  let next = 0
  let total = 0
  const keep = async (fileName: string, path: string): Promise<OutputFile> => {
    const known = kept.get(fileName)
    if (known) return { fileName, kept: known, path }
    const key = `${ending.prefix}/outputs/${next++}`
    const { sizeBytes } = await ending.blobs.putFile(key, path)
    const file = { key, size: sizeBytes, contentType: contentTypeOf(fileName) }
    kept.set(fileName, file)
    return { fileName, kept: file, path }
  }
  for (const [name, path] of ending.results) await keep(name, path)
  for (const output of ending.execution.snapshot.outputs) {
    try {
      if (output.outputType === 'executionResult') {
        const path = ending.results.get(output.fileName)
        if (path) byOutput.set(output, await keep(output.fileName, path))
      } else if (!ending.failure && output.outputType !== 'directory') {
        const name = plainName(renderTemplate(output.fileName, ending.context))
        const file = open.use(await collectFile(ending.outputDir, name))
        if (!kept.has(name)) total += file.sizeBytes
        // By apparent size: a sparse file of a petabyte takes no disk in the sandbox, but would take it here.
        if (total > ending.maxBytes) {
          total -= file.sizeBytes
          throw invalid(`with it the outputs would have more than ${ending.maxBytes} bytes (FIELDBOOK_OUTPUT_SIZE)`)
        }
        byOutput.set(output, await keep(name, file.path))
      }
    } catch (error) {
      failures.push(outputFailure(output, error))
    }
  }
  const owned = open.move()
  return { kept, byOutput, failures, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function storeAll(
  tx: Transaction,
  ending: Ending,
  files: KeptFiles,
  failure: Failure | undefined,
  garbage: { afterwards: string[]; onFailure: string[] },
): Promise<Failure[]> {
  const { execution, blobs, context, signal } = ending
  const failures: Failure[] = []
  for (const [output, file] of files.byOutput) {
    if (failure && output.outputType !== 'executionResult') continue
    const copies = garbage.onFailure.length
    await tx.query('savepoint output')
    try {
      await storeOutput(output, file, {
        tx,
        blobs,
        applicationId: execution.applicationId,
        notebookId: execution.notebookId,
        context,
        signal,
        dropAfterwards: (key) => garbage.afterwards.push(key),
        dropOnFailure: (key) => garbage.onFailure.push(key),
      })
      await tx.query('release savepoint output')
    } catch (error) {
      await tx.query('rollback to savepoint output')
      garbage.afterwards.push(...garbage.onFailure.splice(copies))
      failures.push(outputFailure(output, error))
    }
  }
  return failures
}

async function writeEnd(
  tx: Transaction,
  execution: Execution,
  failures: readonly Failure[],
  first: Failure | undefined,
  outputInfo: ReadonlyMap<string, KeptFile>,
): Promise<Execution['status']> {
  const status = finalStatus(first ?? failures[0])
  await recordEnd(tx, execution, status, failures.map(told), Object.fromEntries(outputInfo))
  return status
}

/** Longer messages hold a traceback's worth of somebody's data; the notebook has it whole. */
const MAX_MESSAGE = 10_000

const told = ({ name, message }: Failure) => ({
  name: storableText(name).slice(0, 200),
  message: storableText(message).slice(0, MAX_MESSAGE),
})

function outputFailure(output: NotebookOutput, error: unknown): Failure {
  const name = output.outputType === 'directory' ? output.directoryName : output.fileName
  const message = `Output "${name}" (${output.outputType}): ${messageOf(error)}`
  return { stage: 'outputs', reason: 'failed', name: 'OutputFailed', message }
}
