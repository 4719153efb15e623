/**
 * Runs a notebook's cells in a kernel, one after the other, and fills the notebook in place: it is a valid notebook at any
 * moment, up to where the run has got. Every ending is a value; nothing a notebook does makes this throw.
 */
import type { Ending } from '../sandbox/process.ts'
import type { Kernel } from './kernel.ts'
import { OUTPUT_LIMITS, type OutputLimits } from './ledger.ts'
import { asksToExit, errorOf } from './messages.ts'
import { type CodeCell, hasTag, type Notebook } from './notebook.ts'
import { Outputs } from './outputs.ts'
import { SessionBroken } from './session.ts'
import { withoutColours } from './terminal.ts'
import type { Content, Message } from './wire.ts'

export interface CellError {
  readonly ename: string
  readonly evalue: string
  readonly traceback: readonly string[]
  /** In `notebook.cells`, from 0. */
  readonly cellIndex: number
  /** Among the cells that run, from 1: the number in its brackets. */
  readonly cellNumber: number
}

export type Outcome =
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly error: CellError }
  /** The process ended under a cell; `ending` tells what is known of the cause. */
  | { readonly kind: 'died'; readonly ending: Ending; readonly cellIndex: number; readonly cellNumber: number }
  /** The signal was aborted; why is the signal's reason. */
  | { readonly kind: 'stopped' }
  /** It sent more than it may, or stopped speaking the protocol. */
  | { readonly kind: 'broken'; readonly message: string; readonly cellIndex: number; readonly cellNumber: number }

export interface Progress {
  readonly cellNumber: number
  readonly cells: number
  readonly state: 'running' | 'done'
}

export interface RunOptions {
  readonly notebook: Notebook
  readonly kernel: Kernel
  /** The same signal the kernel was opened with: its sandbox interrupts the cell, and kills after the grace time. */
  readonly signal?: AbortSignal
  readonly limits?: OutputLimits
  readonly onProgress?: (progress: Progress) => void
  /** A cell's outputs have changed; called for each message, so whoever saves must not do so each time. */
  readonly onOutput?: (cell: CodeCell) => void
  /** Text for the two log files, in order, as it was written. */
  readonly onStream?: (name: 'stdout' | 'stderr', text: string) => void
}

interface Planned {
  readonly cell: CodeCell
  readonly cellIndex: number
  readonly cellNumber: number
}

/** Runs until the end, the first error, an exit, a death or an abort, whichever is first. */
export async function runCells(options: RunOptions): Promise<Outcome> {
  const { notebook, kernel, signal, onProgress } = options
  const plan = planCells(notebook)
  forgetResults(notebook)
  const language = kernel.info['language_info']
  if (typeof language === 'object' && language !== null) notebook.metadata['language_info'] = language
  const cellOf = followOutputs(options)
  for (const planned of plan) {
    if (signal?.aborted) return { kind: 'stopped' }
    onProgress?.({ cellNumber: planned.cellNumber, cells: plan.length, state: 'running' })
    const ended = await runCell(planned, options, cellOf)
    onProgress?.({ cellNumber: planned.cellNumber, cells: plan.length, state: 'done' })
    if (ended) return ended
  }
  return { kind: 'finished' }
}

/** Code that is not blank and not tagged `skip-execution`, as nbclient chooses. */
export function planCells(notebook: Notebook): Planned[] {
  let cellNumber = 0
  return notebook.cells.flatMap((cell, cellIndex) => {
    if (cell.cell_type !== 'code' || cell.source.trim() === '' || hasTag(cell, 'skip-execution')) return []
    cellNumber += 1
    return [{ cell, cellIndex, cellNumber }]
  })
}

/** Takes out what an author's own run left in cells that run again: it would pass for this run's results. */
export function forgetResults(notebook: Notebook): void {
  for (const { cell } of planCells(notebook)) {
    cell.outputs = []
    cell.execution_count = null
    const { execution: _, ...metadata } = cell.metadata
    cell.metadata = metadata
  }
}

/** From now on outputs go to the cell whose request caused them, also when they come late, from a thread. */
function followOutputs({ kernel, limits, onOutput, onStream }: RunOptions): Map<string, CodeCell> {
  const outputs = new Outputs(limits ?? OUTPUT_LIMITS)
  const log = createLog(limits ?? OUTPUT_LIMITS, onStream ?? (() => {}))
  const cellOf = new Map<string, CodeCell>()
  kernel.session.onOutput((message) => {
    const cell = message.parentId === undefined ? undefined : cellOf.get(message.parentId)
    if (!cell) return
    log(message)
    stampTime(cell, message)
    if (outputs.apply(cell, message)) onOutput?.(cell)
  })
  return cellOf
}

/** Log files take as much as the notebook may hold in all. */
function createLog(limits: OutputLimits, write: NonNullable<RunOptions['onStream']>): (message: Message) => void {
  let left = limits.runBytes
  const writeBounded = (name: 'stdout' | 'stderr', text: string) => {
    if (left <= 0) return
    left -= text.length
    write(name, left > 0 ? text : `${text.slice(0, left + text.length)}\n[the rest was left out]\n`)
  }
  return ({ header, content }) => {
    if (header.msg_type === 'stream' && typeof content['text'] === 'string') {
      writeBounded(content['name'] === 'stderr' ? 'stderr' : 'stdout', content['text'])
    } else if (header.msg_type === 'error') {
      writeBounded('stderr', `${withoutColours(errorOf(content).traceback.join('\n'))}\n`)
    }
  }
}

/** nbclient's names for when a cell did what. */
function stampTime(cell: CodeCell, { header, content }: Message): void {
  const type = header.msg_type === 'status' ? `status.${String(content['execution_state'])}` : header.msg_type
  if (!['status.busy', 'execute_input', 'status.idle'].includes(type)) return
  stamp(cell, `iopub.${type}`, header.date)
}

function stamp(cell: CodeCell, name: string, date: string): void {
  const at = new Date(date)
  if (Number.isNaN(at.getTime())) return // the kernel's messages are the user's to forge
  const before = cell.metadata['execution']
  const times = typeof before === 'object' && before !== null ? before : {}
  cell.metadata['execution'] = { ...times, [name]: at.toISOString() }
}

/** Undefined when the run goes on. */
async function runCell(
  planned: Planned,
  { kernel, signal }: RunOptions,
  cellOf: Map<string, CodeCell>,
): Promise<Outcome | undefined> {
  const { cell, cellIndex, cellNumber } = planned
  cell.execution_count = cellNumber
  const asked = kernel.session.request('execute_request', executeRequest(cell.source))
  cellOf.set(asked.id, cell)
  const end = await Promise.race([
    asked.done.then((reply) => ({ reply })).catch((error: unknown) => ({ error })),
    kernel.process.exited.then((ending) => ({ ending })),
  ])
  if ('reply' in end) {
    stamp(cell, 'shell.execute_reply', end.reply.header.date)
    return afterReply(planned, end.reply.content, signal)
  }
  // A broken connection is mostly the first sign of a death; a kernel that lives on is ended by whoever owns it.
  const ending = 'ending' in end ? end.ending : await exitedSoon(kernel)
  if (signal?.aborted) return { kind: 'stopped' }
  if (ending) return { kind: 'died', ending, cellIndex, cellNumber }
  const cause = 'error' in end ? end.error : undefined
  const why = cause instanceof SessionBroken ? cause.message : String(cause)
  return { kind: 'broken', message: `The kernel was cut off: ${why}`, cellIndex, cellNumber }
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

/** The reply decides, not what was printed: an `error` output alone does not stop a run. */
function afterReply(planned: Planned, reply: Content, signal: AbortSignal | undefined): Outcome | undefined {
  if (signal?.aborted) return { kind: 'stopped' }
  if (reply['status'] === 'ok') return asksToExit(reply) ? { kind: 'finished' } : undefined
  const { ename, evalue, traceback } = errorOf(reply)
  // papermill's rule: a notebook may leave early, and says by the code whether all is well.
  if (ename === 'SystemExit' && ['', '0', 'None'].includes(evalue)) return { kind: 'finished' }
  if (ename !== 'SystemExit' && hasTag(planned.cell, 'raises-exception')) return undefined
  const { cellIndex, cellNumber } = planned
  return { kind: 'failed', error: { ename, evalue, traceback, cellIndex, cellNumber } }
}

/** Undefined when it lives on: a process that died is reaped within milliseconds of its sockets' end. */
async function exitedSoon(kernel: Kernel): Promise<Ending | undefined> {
  let timer: NodeJS.Timeout | undefined
  const alive = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), 1000)
  })
  try {
    return await Promise.race([kernel.process.exited, alive])
  } finally {
    clearTimeout(timer)
  }
}
