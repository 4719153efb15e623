/** The story of one execution, from a claimed row to its final status. */

import { readGlobals } from '../catalog/applications.ts'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { forgetResults } from '../kernel/execute.ts'
import type { Kernels } from '../kernel/kernels.ts'
import { NOTEBOOK_LIMITS, type Notebook, parseNotebook } from '../kernel/notebook.ts'
import type { Seat } from '../kernel/seat.ts'
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
import { sandboxLimits } from './limits.ts'
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
  readonly kernels: Kernels
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
  const limits = execution.snapshot.limits ? sandboxLimits(execution.snapshot.limits) : parts.limits
  const prefix = `${executionBlobs(execution.id)}/${execution.attempt}`
  const [ready, globals] = await Promise.all([prepare(execution, parts), readGlobals(db, execution.applicationId)])
  await using folder = await openWorkingFolder(parts.workRoot, execution)
  await using seat =
    ready.image && ready.notebook
      ? await parts.kernels.take({ image: ready.image, limits, signal: stop.signal })
      : undefined
  const { failure, notebook, image } =
    seat && ready.image && ready.notebook
      ? await runPhases(
          execution,
          { image: ready.image, notebook: ready.notebook, seat },
          folder,
          prefix,
          globals,
          parts,
          stop,
        )
      : ready
  await recordNotebookEnd(db, execution)
  const made = await makeResults(execution, notebook, folder.results, {
    image,
    host: parts.host,
    limits: parts.limits,
    signal: AbortSignal.timeout(FINISH_MS),
  })
  const current = await getExecution(db, execution.notebookId, execution.id)
  // Without a kernel nothing is collected: the failure that kept it from starting keeps the outputs away as well.
  const kernel = await seat?.kernel.catch(() => undefined)
  const status = await finishExecution(db, {
    execution,
    failure,
    outputDir: kernel?.outputs ?? folder.results,
    results: made.files,
    unmade: made.unmade,
    context: outputContext(execution, toLog(current, parts.linkFile), globals),
    blobs,
    prefix,
    maxBytes: limits.outputBytes,
    signal: AbortSignal.timeout(FINISH_MS),
  })
  log.info({ executionId: execution.id, status, failure: failure?.name, start: kernel?.start }, 'execution finished')
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

/** What must be there before anything starts: the image and the notebook, or why one of them is missing. */
async function prepare(execution: Execution, { image, blobs }: RunParts): Promise<Phases> {
  const { imageVersion, jupyterBlobKey } = execution.snapshot
  try {
    const [found, bytes] = await Promise.all([image(imageVersion), blobs.read(jupyterBlobKey)])
    return { failure: undefined, notebook: parseNotebook(bytes, ACCEPTED), image: found }
  } catch (error) {
    return { failure: notReady(error), notebook: undefined, image: undefined }
  }
}

interface Ready {
  readonly image: Image
  readonly notebook: Notebook
  readonly seat: Seat
}

/** Inputs, then cells. The kernel starts while the inputs are staged: neither needs the other until the first cell. */
async function runPhases(
  execution: Execution,
  { image, notebook, seat }: Ready,
  folder: WorkingFolder,
  prefix: string,
  globals: Record<string, unknown>,
  parts: RunParts,
  stop: AbortController,
): Promise<Phases> {
  const { db, blobs, host } = parts
  const logs = openLogs(folder.results)
  try {
    const staged = await stageInputs(
      execution.snapshot.inputs,
      execution.templateContext,
      seat.inputs,
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
      kernel: seat.kernel,
      signal: stop.signal,
      onProgress: reporter.report,
      onStream: logs.write,
    })
    return { failure, notebook, image }
  } finally {
    await logs.close()
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
