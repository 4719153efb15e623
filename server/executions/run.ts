/** The story of one execution, from a claimed row to its final status. */

import { readGlobals } from '../catalog/applications.ts'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { forgetResults } from '../kernel/execute.ts'
import { openKernel } from '../kernel/kernel.ts'
import { NOTEBOOK_LIMITS, type Notebook, parseNotebook } from '../kernel/notebook.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database } from '../stores/postgres/database.ts'
import { runNotebook } from './cells.ts'
import { inputContext, outputContext } from './context.ts'
import { finishExecution } from './finish.ts'
import { openWorkingFolder, type WorkingFolder } from './folder.ts'
import type { Failure } from './lifecycle.ts'
import { createReporter } from './progress.ts'
import { type Execution, executionBlobs, type LinkFile, toLog } from './record.ts'
import { makeResults, openLogs } from './results.ts'
import { stageInputs } from './staging.ts'
import { overtime, stopped } from './stop.ts'
import { getExecution, recordInputs, recordNotebookEnd } from './store.ts'

export interface RunParts {
  readonly db: Database
  readonly blobs: Blobs
  readonly log: Log
  readonly host: SandboxHost
  /** The image for a notebook's imageVersion; rejects with a message for people when there is none. */
  readonly image: (version: string) => Promise<Image>
  readonly limits: SandboxLimits
  /** Where working folders are made. */
  readonly workRoot: string
  readonly linkFile: LinkFile
}

/**
 * Takes one claimed execution to its final status. Every ending is recorded; what escapes is a fault of ours, after
 * which the lease runs out and another attempt follows. `stop` is aborted to cancel or to give up the run.
 */
export async function runExecution(execution: Execution, parts: RunParts, stop: AbortController): Promise<void> {
  const { db, blobs, log } = parts
  await using folder = await openWorkingFolder(parts.workRoot, execution)
  const prefix = `${executionBlobs(execution.id)}/${execution.attempt}`
  const globals = await readGlobals(db, execution.applicationId)
  const { failure, notebook, image } = await runPhases(execution, folder, prefix, globals, parts, stop)
  await recordNotebookEnd(db, execution)
  const made = await makeResults(execution, notebook, folder.results, {
    image,
    host: parts.host,
    limits: parts.limits,
    signal: AbortSignal.timeout(FINISH_MS),
  })
  const current = await getExecution(db, execution.notebookId, execution.id)
  const status = await finishExecution(db, {
    execution,
    failure,
    outputDir: folder.outputs,
    results: made.files,
    unmade: made.unmade,
    context: outputContext(execution, toLog(current, parts.linkFile), globals),
    blobs,
    prefix,
    maxBytes: parts.limits.fileBytes,
    signal: AbortSignal.timeout(FINISH_MS),
  })
  log.info({ executionId: execution.id, status, failure: failure?.name }, 'execution finished')
}

/** The size was checked when it was uploaded, against the limit of that day. */
const ACCEPTED = { ...NOTEBOOK_LIMITS, maxBytes: Number.MAX_SAFE_INTEGER }

/** Rendering and storing may take this long before a run counts as stuck. */
const FINISH_MS = 30 * 60_000

interface Phases {
  readonly failure: Failure | undefined
  /** As far as it got; undefined when the run ended before there was one. */
  readonly notebook: Notebook | undefined
  readonly image: Image | undefined
}

/** Inputs, then cells. The kernel starts while the inputs are staged: neither needs the other until the first cell. */
async function runPhases(
  execution: Execution,
  folder: WorkingFolder,
  prefix: string,
  globals: Record<string, unknown>,
  parts: RunParts,
  stop: AbortController,
): Promise<Phases> {
  const { db, blobs, host } = parts
  const logs = openLogs(folder.results)
  try {
    let image: Image
    let notebook: Notebook
    try {
      image = await parts.image(execution.snapshot.imageVersion)
      notebook = parseNotebook(await blobs.read(execution.snapshot.jupyterBlobKey), ACCEPTED)
    } catch (error) {
      return { failure: notReady(error), notebook: undefined, image: undefined }
    }
    await using kernel = holdKernel(
      openKernel({ image, host, folders: folder, limits: parts.limits, signal: stop.signal }),
    )
    const staged = await stageInputs(
      execution.snapshot.inputs,
      execution.templateContext,
      folder.inputs,
      {
        db,
        applicationId: execution.applicationId,
        relativeTo: execution.relativeTo,
        context: inputContext(execution, globals),
        signal: stop.signal,
      },
      { blobs, prefix },
    )
    await recordInputs(db, execution, staged.info, staged.failure === undefined, {
      image,
      sandbox: host,
    })
    // A failure that the stop itself caused is no failure of an input.
    if (stop.signal.aborted) {
      forgetResults(notebook)
      return { failure: stopped(stop.signal, 'inputs'), notebook, image }
    }
    if (staged.failure) return { failure: staged.failure, notebook: undefined, image }
    using _deadline = startDeadline(stop, execution.maxRunMinutes)
    await using reporter = createReporter(db, execution, parts.log)
    const failure = await runNotebook({
      notebook,
      kernel: kernel.opening,
      signal: stop.signal,
      onProgress: reporter.report,
      onStream: logs.write,
    })
    return { failure, notebook, image }
  } finally {
    await logs.close()
  }
}

/** Closes the kernel however the run ends, also when it was still being opened. */
function holdKernel<K extends AsyncDisposable>(opening: Promise<K>) {
  opening.catch(() => {}) // whoever needs the kernel hears of it; a run that failed earlier never asks
  return {
    opening,
    [Symbol.asyncDispose]: async () => {
      const kernel = await opening.catch(() => undefined)
      await kernel?.[Symbol.asyncDispose]()
    },
  }
}

/** Only the notebook's own time counts against its limit, so the clock starts with the first cell. */
function startDeadline(stop: AbortController, minutes: number): Disposable {
  const timer = setTimeout(() => stop.abort(overtime(minutes)), minutes * 60_000)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

const notReady = (error: unknown): Failure => ({
  stage: 'inputs',
  reason: 'failed',
  name: 'NotReady',
  message: messageOf(error),
})
