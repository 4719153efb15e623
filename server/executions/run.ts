/** The story of one execution, from a claimed row to its final status. */

import { readGlobals } from '../catalog/applications.ts'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { createTurns } from '../ground/turns.ts'
import type { Kernels, SeatRequest } from '../kernel/kernels.ts'
import { NOTEBOOK_LIMITS, type Notebook, parseNotebook } from '../kernel/notebook.ts'
import { forgetResults } from '../kernel/plan.ts'
import type { Seat } from '../kernel/seat.ts'
import type { Renderer } from '../render/renderer.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { patient } from '../stores/postgres/away.ts'
import { attemptBlobs, dropEarlier, dropOvertaken } from './attempts.ts'
import type { Failure } from './causes.ts'
import { runNotebook } from './cells.ts'
import { inputContext, outputContext } from './context.ts'
import { finishExecution } from './finish.ts'
import { openWorkingFolder, type WorkingFolder } from './folder.ts'
import type { Sources } from './inputs/input.ts'
import { sandboxLimits } from './limits.ts'
import { createLive, type Live } from './live.ts'
import { keepPartial, type Partial } from './partial.ts'
import { type Execution, type LinkFile, toLog } from './record.ts'
import { type Logs, makeResults, openLogs, type Result, renderingsOf } from './results.ts'
import { EXPORTS_AT_ONCE, stageGiven, stageInputs } from './staging.ts'
import { overtime, stopped, whenCanceled } from './stop.ts'
import { getExecution } from './store.ts'

export interface RunParts extends Sources {
  readonly log: Log
  readonly host: SandboxHost
  readonly kernels: Kernels
  readonly renderer: Renderer
  /** The image for a notebook's imageVersion; rejects with a message for people when there is none. */
  readonly image: (version: string) => Promise<Image>
  readonly limits: SandboxLimits
  /** Where working folders are made. */
  readonly workRoot: string
  readonly linkFile: LinkFile
}

/**
 * Takes one claimed execution to its final status. Every ending is recorded; what escapes is a fault of ours, after
 * which the lease runs out and another attempt follows. `stop` is aborted to cancel or to give up the run. What is left
 * to clear away after a final status is put on `leavings`, so that the next run need not wait for it.
 */
export async function runExecution(
  execution: Execution,
  parts: RunParts,
  stop: AbortController,
  leavings?: AsyncDisposableStack,
): Promise<void> {
  const { db, blobs, log } = parts
  const steady = patient(db)
  const limits = execution.snapshot.limits ? sandboxLimits(execution.snapshot.limits) : parts.limits
  const prefix = attemptBlobs(execution)
  const [ready, globals] = await Promise.all([prepare(execution, parts), readGlobals(steady, execution.applicationId)])
  const now = clockOf(execution)
  await using stack = new AsyncDisposableStack()
  const live = stack.use(createLive(db, execution, log))
  const partial = stack.use(ready.notebook ? keepPartial(blobs, execution, ready.notebook, log) : undefined)
  const tellPhase = (phase: 'inputs' | 'notebook' | 'outputs') =>
    live.tell({ kind: 'phase', phase, attempt: execution.attempt, at: now().toISOString() })
  tellPhase('inputs')
  const folder = stack.use(openWorkingFolder(parts.workRoot, execution))
  if (ready.image) parts.renderer.warm(ready.image, execution.applicationId, renderingsOf(execution))
  const seat = stack.use(
    ready.image && ready.notebook
      ? await takeSeat(parts.kernels, {
          image: ready.image,
          metadata: ready.notebook.metadata,
          limits,
          signal: stop.signal,
        })
      : undefined,
  )
  const logs = openLogs(folder)
  let phases: Phases
  let printed: ReadonlyMap<string, Result>
  try {
    phases =
      seat && partial && ready.image && ready.notebook
        ? await runPhases(
            execution,
            { image: ready.image, notebook: ready.notebook, seat, live, partial, logs, folder, tellPhase },
            prefix,
            globals,
            parts,
            stop,
          )
        : endedEarly(ready, stop.signal)
  } finally {
    printed = await logs.close()
  }
  const { failure, notebook, image } = phases
  tellPhase('outputs')
  const canceled = whenCanceled(stop.signal)
  const made = await makeResults(execution, notebook, printed, folder, {
    image,
    renderer: parts.renderer,
    // A run that was canceled before still gets its page; one that is canceled now ends at once.
    signal: AbortSignal.any([AbortSignal.timeout(FINISH_MS), ...(failure ? [] : [canceled])]),
  })
  // As its row says it, or will say it with the next write.
  const { inputInfo = {}, inputsCompletedAt, notebookCompletedAt } = live.standing()
  const standing = failure?.name === 'Canceled' ? 'canceling' : execution.status
  const current: Execution = { ...execution, status: standing, inputInfo, inputsCompletedAt, notebookCompletedAt }
  const kernel = await seat?.kernel.catch(() => undefined)
  const status = await finishExecution(db, {
    execution,
    failure,
    outputDir: kernel?.outputs,
    results: made.files,
    unmade: made.unmade,
    context: outputContext(execution, toLog(current, parts.linkFile), globals),
    blobs,
    prefix,
    maxBytes: limits.outputBytes,
    maxFiles: limits.outputFiles,
    signal: AbortSignal.timeout(FINISH_MS),
    canceled,
    live,
  })
  if (status) {
    await partial?.drop()
    await dropEarlier(blobs, execution)
  } else {
    await partial?.[Symbol.asyncDispose]() // which may still be writing
    await getExecution(steady, execution.notebookId, execution.id) // throws notFound for one that was deleted
    await dropOvertaken(db, blobs, execution)
  }
  leavings?.use(stack.move())
  log.info({ executionId: execution.id, status, failure: failure?.name, start: kernel?.start }, 'execution finished')
}

/** Undefined when the run was stopped before it had a kernel. */
async function takeSeat(kernels: Kernels, request: SeatRequest & { signal: AbortSignal }): Promise<Seat | undefined> {
  try {
    return await kernels.take(request)
  } catch (error) {
    if (request.signal.aborted) return undefined
    throw error
  }
}

/** A run that never got to its inputs: something was missing, or it was stopped. */
function endedEarly(ready: Phases, signal: AbortSignal): Phases {
  if (ready.failure) return ready
  if (ready.notebook) forgetResults(ready.notebook)
  return { ...ready, failure: stopped(signal) }
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
    const [found, notebook] = await Promise.all([
      image(imageVersion).catch(causedBy('ImageMissing')),
      blobs.read(jupyterBlobKey).then(parseAccepted).catch(causedBy('NotebookUnreadable')),
    ])
    return { failure: undefined, notebook, image: found }
  } catch (error) {
    if (!(error instanceof NotReady)) throw error
    return { failure: error.failure, notebook: undefined, image: undefined }
  }
}

const parseAccepted = (bytes: Buffer) => parseNotebook(bytes, ACCEPTED, 'any')

class NotReady extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

const causedBy = (name: Failure['name']) => (error: unknown) => {
  throw new NotReady({ name, message: messageOf(error) })
}

interface Ready {
  readonly image: Image
  readonly notebook: Notebook
  readonly seat: Seat
  readonly live: Live
  readonly partial: Partial
  readonly logs: Logs
  readonly folder: WorkingFolder
  readonly tellPhase: (phase: 'notebook') => void
}

/** Inputs, then cells. The kernel starts while the inputs are staged: neither needs the other until the first cell. */
async function runPhases(
  execution: Execution,
  ready: Ready,
  prefix: string,
  globals: Record<string, unknown>,
  parts: RunParts,
  stop: AbortController,
): Promise<Phases> {
  const { db, blobs, duckdb, telemetry, fetching, host } = parts
  const { image, seat, live, folder } = ready
  let scratches = 0
  const { templateContext, givenInputs } = execution
  const staging = {
    db,
    duckdb,
    telemetry,
    blobs,
    fetching,
    applicationId: execution.applicationId,
    relativeTo: execution.relativeTo,
    context: inputContext(execution, globals),
    signal: stop.signal,
    inTurn: createTurns(EXPORTS_AT_ONCE),
    scratch: () => folder.path(`scratch-${scratches++}`),
    warn: live.warn,
  }
  const staged = givenInputs
    ? await stageGiven(givenInputs, templateContext, seat.inputs, staging)
    : await stageInputs(execution.snapshot.inputs, templateContext, seat.inputs, staging, prefix)
  const kept = staged.kept.then((copies) => {
    live.staged({ inputInfo: copies.info, ranOn: { image, sandbox: host } })
    return copies
  })
  try {
    const phases = await runStaged(execution, ready, staged.failure, stop)
    // All cells may have run by now; what was given to them is a part of what the execution shows.
    return { ...phases, failure: phases.failure ?? (await kept).failure }
  } finally {
    await kept // it reads the files of the seat
  }
}

/** The cells, if everything they need is there. */
async function runStaged(
  execution: Execution,
  { image, notebook, seat, live, partial, logs, tellPhase }: Ready,
  failed: Failure | undefined,
  stop: AbortController,
): Promise<Phases> {
  // A failure that the stop itself caused is no failure of an input.
  if (stop.signal.aborted) {
    forgetResults(notebook)
    return { failure: stopped(stop.signal), notebook, image }
  }
  if (failed) return { failure: failed, notebook: undefined, image }
  // A kernel that is slow to come is our time; that there is none, the cells are told.
  await seat.kernel.catch(() => {})
  using _deadline = startDeadline(stop, execution.maxRunMinutes)
  tellPhase('notebook')
  const failure = await runNotebook({
    notebook,
    kernel: seat.kernel,
    limits: execution.snapshot.limits,
    signal: stop.signal,
    live,
    onChange: partial.changed,
    onStream: logs.write,
  })
  return { failure, notebook, image }
}

/** Only the notebook's own time counts against its limit, so the clock starts with the first cell. */
function startDeadline(stop: AbortController, minutes: number): Disposable {
  const timer = setTimeout(() => stop.abort(overtime(minutes)), minutes * 60_000)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}

/**
 * The database's clock as it goes on from the moment of the claim: clocks of two machines differ, and either may be set
 * while a run goes on.
 */
function clockOf({ startedAt = new Date() }: Execution): () => Date {
  const offset = startedAt.getTime() - performance.now()
  return () => new Date(offset + performance.now())
}
