/**
 * Follows what a kernel says during a run: outputs go to the cell whose request caused them, or to the widget that captures
 * them, also when they come late, from a thread; times, counts and events go to those who asked for them.
 */
import { type CellPlace, eventOf, type RunEvent } from './events.ts'
import type { OutputLimits } from './ledger.ts'
import type { CodeCell, Notebook } from './notebook.ts'
import { Outputs } from './outputs.ts'
import type { Session } from './session.ts'
import { followWidgets } from './widgets.ts'
import type { Message } from './wire.ts'

/** What a request has caused so far. */
export interface Followed extends CellPlace {
  readonly cell: CodeCell
  messages: number
  outputBytes: number
}

export interface Follower {
  /** From now on what the request causes belongs to the cell. */
  follow(requestId: string, cell: CodeCell, place: CellPlace): Followed
  /** Tells the kernel the outputs its Output widgets have; to be called between two cells. */
  tellWidgets(): void
  /** Resolves when the kernel says that it starts, which during a run means: anew, and without what it knew. */
  readonly restarted: Promise<void>
}

interface Listeners {
  readonly limits: OutputLimits
  /** Of every message, whoever caused it. */
  readonly onMessage: () => void
  readonly onEvent: (event: RunEvent) => void
}

/** The only listener of the session from now on. */
export function followRun(
  notebook: Notebook,
  session: Pick<Session, 'onOutput' | 'send'>,
  listeners: Listeners,
): Follower {
  const outputs = new Outputs(listeners.limits)
  const widgets = followWidgets(notebook, listeners.limits.widgetBytes, (area, list) => outputs.replace(area, list))
  const requests = new Map<string, Followed>()
  const restarted = Promise.withResolvers<void>()

  session.onOutput((message) => {
    listeners.onMessage()
    const type = message.header.msg_type
    if (type === 'status' && isStart(message.content['execution_state'])) restarted.resolve()
    const request = requests.get(message.parentId ?? '')
    // Widgets are the notebook's, not a cell's: what moves them counts whoever caused it.
    if (type.startsWith('comm_')) {
      if (!widgets.take(message) && request) outputs.note(request.cell, TOO_MUCH_STATE)
    }
    if (!request) return
    request.messages += 1
    stampTime(request.cell, message)
    const area = widgets.areaOf(message.parentId ?? '') ?? request.cell
    if (outputs.apply(area, message, request.cell.execution_count)) widgets.changed(area)
    const event = eventOf(message, place(request))
    if (!event) return
    request.outputBytes += message.sizeBytes
    listeners.onEvent(event)
  })

  return {
    follow: (requestId, cell, { cellNumber, cellIndex }) => {
      const followed: Followed = { cell, cellNumber, cellIndex, messages: 0, outputBytes: 0 }
      requests.set(requestId, followed)
      return followed
    },
    tellWidgets: () => {
      for (const content of widgets.updates()) session.send('comm_msg', content)
    },
    restarted: restarted.promise,
  }
}

const TOO_MUCH_STATE = 'The state of a widget was left out: all widgets together are larger than a notebook may keep'

const place = ({ cellNumber, cellIndex }: CellPlace): CellPlace => ({ cellNumber, cellIndex })

const isStart = (state: unknown) => state === 'starting' || state === 'restarting' || state === 'dead'

/** nbclient's names for when a cell did what. */
const TIMED: readonly string[] = ['status.busy', 'execute_input', 'status.idle']

function stampTime(cell: CodeCell, { header, content }: Message): void {
  const state = content['execution_state']
  const type = header.msg_type === 'status' && typeof state === 'string' ? `status.${state}` : header.msg_type
  if (TIMED.includes(type)) stamp(cell, `iopub.${type}`, header.date)
}

/** Notes in the cell's metadata when something happened, in the kernel's words; a date that is none is left out. */
export function stamp(cell: CodeCell, name: string, date: string): void {
  const at = new Date(date)
  if (Number.isNaN(at.getTime())) return // the kernel's messages are the user's to forge
  const before = cell.metadata['execution']
  const times = typeof before === 'object' && before !== null ? before : {}
  cell.metadata['execution'] = { ...times, [name]: at.toISOString() }
}
