/**
 * Runs a notebook's cells in a kernel, one after the other, and fills the notebook in place: it is a valid notebook at any
 * moment, up to where the run has got. Every ending is a value; nothing a notebook does makes this throw.
 */
import type { Ending, SandboxProcess } from '../sandbox/process.ts'
import type { CellPlace, CellStatus, RunEvent } from './events.ts'
import { type Follower, followRun, stamp } from './follow.ts'
import type { Kernel } from './kernel.ts'
import { OUTPUT_LIMITS, type OutputLimits } from './ledger.ts'
import { createLog } from './log.ts'
import { asksToExit, errorOf } from './messages.ts'
import { hasTag, type Notebook } from './notebook.ts'
import { type Overdue, type TimeLimits, type Watch, watchCell } from './overdue.ts'
import { forgetResults, type PlannedCell, planCells } from './plan.ts'
import { SessionBroken } from './session.ts'
import type { Content, Message } from './wire.ts'

export interface CellError extends CellPlace {
  readonly ename: string
  readonly evalue: string
  readonly traceback: readonly string[]
}

export type Outcome =
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly error: CellError }
  /** The cell was interrupted, or did not answer to that either. */
  | ({ readonly kind: 'timeout' } & Overdue & CellPlace)
  /** The process ended under a cell, and `ending` tells what is known of the cause; without one it lives on, started anew. */
  | ({ readonly kind: 'died'; readonly ending?: Ending } & CellPlace)
  /** The signal was aborted; why is the signal's reason. */
  | { readonly kind: 'stopped' }
  /** It sent more than it may in all. */
  | ({ readonly kind: 'outputLimit'; readonly message: string } & CellPlace)
  /** It stopped speaking the protocol. */
  | ({ readonly kind: 'broken'; readonly message: string } & CellPlace)

/** What a run needs of a kernel. */
export interface RunnableKernel extends Pick<Kernel, 'session' | 'info'> {
  readonly process: Pick<SandboxProcess, 'exited' | 'end'>
}

export interface RunOptions {
  readonly notebook: Notebook
  readonly kernel: RunnableKernel
  /** The same signal the kernel was opened with: its sandbox interrupts the cell, and kills after the grace time. */
  readonly signal?: AbortSignal
  readonly limits?: OutputLimits
  readonly times?: TimeLimits
  /** Everything that happens, in order; called for each message, so whoever saves or sends must not do so each time. */
  readonly onEvent?: (event: RunEvent) => void
  /** Text for the two log files, in order, bounded as a run's outputs are. */
  readonly onStream?: (name: 'stdout' | 'stderr', text: string) => void
  /**
   * The cell has taken too long: it is to be interrupted, and what doesn't yield is to be killed. Unless told otherwise
   * the kernel's process does both. However the cell ends then, the run has timed out.
   */
  readonly onOverdue?: (overdue: Overdue) => void
}

/** What one cell needs of its run. */
interface Run extends RunOptions {
  readonly cells: number
  readonly follower: Follower
  readonly emit: (event: RunEvent) => void
  watch?: Watch
}

/** Runs until the end, the first error, an exit, a death, a limit or an abort, whichever is first. */
export async function runCells(options: RunOptions): Promise<Outcome> {
  const { notebook, kernel, signal, limits = OUTPUT_LIMITS } = options
  const plan = planCells(notebook)
  forgetResults(notebook)
  const language = kernel.info['language_info']
  if (typeof language === 'object' && language !== null) notebook.metadata['language_info'] = language
  const log = createLog(limits.runBytes, options.onStream ?? (() => {}))
  const emit = (event: RunEvent) => {
    log.take(event)
    options.onEvent?.(event)
  }
  const onMessage = () => run.watch?.heard()
  const follower = followRun(notebook, kernel.session, { limits, onMessage, onEvent: emit })
  const run: Run = { ...options, cells: plan.length, follower, emit }
  try {
    for (const planned of plan) {
      if (signal?.aborted) return { kind: 'stopped' }
      const ended = await runCell(planned, run)
      if (ended) return ended
    }
    return { kind: 'finished' }
  } finally {
    log.end()
  }
}

/** Undefined when the run goes on. */
async function runCell(planned: PlannedCell, run: Run): Promise<Outcome | undefined> {
  const { cell, cellIndex, cellNumber } = planned
  const { kernel, signal, cells, follower, emit } = run
  const place = { cellNumber, cellIndex }
  const startedAt = new Date()
  const startedMs = performance.now()
  cell.execution_count = cellNumber
  emit({ type: 'cellStarted', cells, startedAt, ...place })
  follower.tellWidgets()
  const asked = kernel.session.request('execute_request', executeRequest(cell.source))
  const counts = follower.follow(asked.id, cell, place)
  using watch = watchCell(run.times ?? {}, run.onOverdue ?? (() => kernel.process.end('timeout')), signal)
  run.watch = watch
  const end = await endOfCell(asked.done, run)
  if ('reply' in end) stamp(cell, 'shell.execute_reply', end.reply.header.date)
  const overdue = watch.overdue()
  const outcome = overdue ? { kind: 'timeout' as const, ...overdue, ...place } : await outcomeOf(planned, end, run)
  const facts = { startedAt, endedAt: new Date(), ms: performance.now() - startedMs }
  const { outputBytes, messages } = counts
  emit({ type: 'cellEnded', cells, status: statusOf(end, outcome), ...facts, outputBytes, messages, ...place })
  return outcome
}

const executeRequest = (code: string): Content => ({
  code,
  silent: false,
  store_history: true,
  user_expressions: {},
  allow_stdin: false,
  // We stop by ourselves. ipykernel 6 would drop what is asked right after an error, also one that was planned.
  stop_on_error: false,
})

type CellEnd =
  | { readonly reply: Message }
  | { readonly error: unknown }
  | { readonly ending: Ending }
  | { readonly restarted: true }

function endOfCell(reply: Promise<Message>, { kernel, follower }: Run): Promise<CellEnd> {
  return Promise.race([
    reply.then((message) => ({ reply: message })).catch((error: unknown) => ({ error })),
    kernel.process.exited.then((ending) => ({ ending })),
    follower.restarted.then(() => ({ restarted: true as const })),
  ])
}

async function outcomeOf(planned: PlannedCell, end: CellEnd, { kernel, signal }: Run): Promise<Outcome | undefined> {
  const { cellIndex, cellNumber } = planned
  if (signal?.aborted) return { kind: 'stopped' }
  if ('reply' in end) return afterReply(planned, end.reply.content)
  const cause = 'error' in end ? end.error : undefined
  if (cause instanceof SessionBroken && cause.tooMuch) {
    return { kind: 'outputLimit', message: `The kernel was cut off: ${cause.message}`, cellIndex, cellNumber }
  }
  // What it had sent before it died may still be on its way; the connection's end comes after it.
  if ('ending' in end) await endOfConnection(kernel)
  // A broken connection is mostly the first sign of a death; a kernel that lives on is ended by whoever owns it.
  const ending = 'ending' in end ? end.ending : await exitedSoon(kernel)
  if (signal?.aborted) return { kind: 'stopped' }
  if (ending) return { kind: 'died', ending, cellIndex, cellNumber }
  if ('restarted' in end) return { kind: 'died', cellIndex, cellNumber }
  const why = cause instanceof SessionBroken ? cause.message : String(cause)
  return { kind: 'broken', message: `The kernel was cut off: ${why}`, cellIndex, cellNumber }
}

/** The reply decides, not what was printed: an `error` output alone does not stop a run. */
function afterReply({ cell, cellIndex, cellNumber }: PlannedCell, reply: Content): Outcome | undefined {
  if (reply['status'] === 'ok') return asksToExit(reply) ? { kind: 'finished' } : undefined
  if (hasTag(cell, 'raises-exception')) return undefined
  const { ename, evalue, traceback } = errorOf(reply)
  // papermill's rule: a notebook may leave early, and says by the code whether all is well.
  if (ename === 'SystemExit' && ['', '0', 'None', 'False'].includes(evalue)) return { kind: 'finished' }
  return { kind: 'failed', error: { ename, evalue, traceback, cellIndex, cellNumber } }
}

function statusOf(end: CellEnd, outcome: Outcome | undefined): CellStatus {
  if (!('reply' in end) || outcome?.kind === 'timeout' || outcome?.kind === 'stopped') return 'stopped'
  return end.reply.content['status'] === 'ok' || outcome?.kind === 'finished' ? 'ok' : 'error'
}

/** Undefined when it lives on: a process that died is reaped within milliseconds of its sockets' end. */
const exitedSoon = (kernel: RunnableKernel): Promise<Ending | undefined> => within(1000, kernel.process.exited)

/** A forked child may hold the connection of a kernel that died, so that it never ends. */
const endOfConnection = (kernel: RunnableKernel): Promise<void> =>
  within(
    200,
    kernel.session.broken.catch(() => {}),
  )

async function within<Value>(ms: number, value: Promise<Value>): Promise<Value | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  try {
    return await Promise.race([value, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
