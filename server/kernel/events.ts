/**
 * What a run tells while it goes on, in the order in which it happened: for people who watch, for logs, and for metering.
 * Outputs are told as the kernel sent them, before limits; whoever keeps them bounds them.
 */
import { bundleOf, displayIdOf, errorOf, streamOf } from './messages.ts'
import type { Metadata } from './notebook.ts'
import type { Message } from './wire.ts'

/** A code cell's place: in its brackets (from 1), and in `notebook.cells` (from 0). */
export interface CellPlace {
  readonly cellNumber: number
  readonly cellIndex: number
}

/** What one cell took. */
export interface CellFacts {
  readonly startedAt: Date
  readonly endedAt: Date
  readonly ms: number
  /** Of the messages with outputs it sent until its end, as they came over the wire. */
  readonly outputBytes: number
  /** Of any kind, until its end. */
  readonly messages: number
}

/** `stopped`: it was still running when the run was ended, from outside, by its death, or by a limit. */
export type CellStatus = 'ok' | 'error' | 'stopped'

export type RunEvent =
  | ({ readonly type: 'cellStarted'; readonly cells: number; readonly startedAt: Date } & CellPlace)
  | ({ readonly type: 'cellEnded'; readonly cells: number; readonly status: CellStatus } & CellPlace & CellFacts)
  | ({ readonly type: 'stream'; readonly name: 'stdout' | 'stderr'; readonly text: string } & CellPlace)
  | ({ readonly type: 'display'; readonly displayId?: string; readonly isResult: boolean } & Bundle & CellPlace)
  | ({ readonly type: 'updateDisplay'; readonly displayId: string } & Bundle & CellPlace)
  | ({ readonly type: 'clearOutput'; readonly wait: boolean } & CellPlace)
  | ({ readonly type: 'error' } & Raised & CellPlace)

interface Bundle {
  readonly data: Readonly<Metadata>
  readonly metadata: Readonly<Metadata>
}

interface Raised {
  readonly ename: string
  readonly evalue: string
  readonly traceback: readonly string[]
}

/** What a message of the kernel tells of the cell that caused it; undefined for what nobody sees. */
export function eventOf({ header, content }: Message, place: CellPlace): RunEvent | undefined {
  const id = displayIdOf(content)
  const displayId = id === undefined ? {} : { displayId: id }
  switch (header.msg_type) {
    case 'stream':
      return { type: 'stream', ...streamOf(content), ...place }
    case 'display_data':
      return { type: 'display', isResult: false, ...bundleOf(content), ...displayId, ...place }
    case 'execute_result':
      return { type: 'display', isResult: true, ...bundleOf(content), ...displayId, ...place }
    case 'update_display_data':
      return id === undefined ? undefined : { type: 'updateDisplay', ...bundleOf(content), displayId: id, ...place }
    case 'clear_output':
      return { type: 'clearOutput', wait: content['wait'] === true, ...place }
    case 'error':
      return { type: 'error', ...errorOf(content), ...place }
    default:
      return undefined
  }
}
