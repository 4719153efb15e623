/**
 * What is seen of a run while it goes on: where it is, what it tells, what it takes. Written in batches beside the run,
 * which never waits for it; what is left at the end is written together with the final status, in the same statement.
 */

import { setTimeout } from 'node:timers/promises'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { RunEvent } from '../kernel/events.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { createBacklog, type LiveEvent, type StoredEvent } from './backlog.ts'
import type { Metrics } from './metrics.ts'
import { type Holder, recordLive, type Standing } from './store.ts'

/** What is written with the final status. */
export interface Seen extends Standing {
  readonly events: readonly StoredEvent[]
  readonly metrics: Metrics
}

export interface Live extends AsyncDisposable {
  /** Phases of the row follow from the events that tell of them, and so do the times they ended. */
  tell(event: LiveEvent): void
  /** The inputs are kept, and what the notebook runs on is known. */
  staged(inputs: Required<Pick<Standing, 'inputInfo' | 'ranOn'>>): void
  /** Something the owner of the notebook should know that is no failure. */
  warn(message: string): void
  /** What the kernel and everything it started took, as far as that is known. */
  used(usage: { readonly peakMemoryBytes?: number; readonly cpuSeconds?: number }): void
  /** What a cell took. */
  ended(cell: { readonly cellIndex: number; readonly ms: number; readonly outputBytes: number }): void
  /** Resolves when nothing is being written, and from then on nothing is: the rest goes with the end. */
  settle(): Promise<void>
  /** How far the run is by now. */
  standing(): Standing
  /** The same each time until more is told. */
  seen(): Seen
}

/** An event of the cells as it is told to whoever watches. */
export function toLive(event: RunEvent): LiveEvent {
  switch (event.type) {
    case 'cellStarted': {
      const { cellNumber, cells, cellIndex } = event
      return { kind: 'cell', cellNumber, cells, cellIndex, state: 'running' }
    }
    case 'cellEnded': {
      const { cellNumber, cells, cellIndex, status, ms } = event
      return { kind: 'cell', cellNumber, cells, cellIndex, state: 'done', status, ms: Math.round(ms * 10) / 10 }
    }
    case 'stream':
      return { kind: 'stream', cellNumber: event.cellNumber, name: event.name, text: event.text }
    case 'display': {
      const { cellNumber, data, metadata, displayId } = event
      return { kind: 'display', cellNumber, ...(displayId === undefined ? {} : { displayId }), data, metadata }
    }
    case 'updateDisplay':
      return { kind: 'update', displayId: event.displayId, data: event.data, metadata: event.metadata }
    case 'clearOutput':
      return { kind: 'clear', cellNumber: event.cellNumber, wait: event.wait }
    case 'error': {
      const { cellNumber, ename, evalue, traceback } = event
      return { kind: 'cellError', cellNumber, ename, evalue, traceback: [...traceback] }
    }
  }
}

/** The first batch: a run that is shorter writes nothing of its own beside its end. */
const FIRST_MS = 100
/** Between two batches: quick for a person who watches, and 6 writes a second for a run. */
const INTERVAL_MS = 150

/** For the attempt that holds an execution. Disposing it writes nothing: a run without an end belongs to the next attempt. */
export function createLive(db: Queryable, holder: Holder, log: Log): Live {
  const backlog = createBacklog(holder.attempt)
  const closing = new AbortController()
  const metrics: { -readonly [K in keyof Metrics]: Metrics[K] } & { cells: [number, number][] } = { cells: [] }
  let standing: Standing = { cell: 0, cells: 0 }
  let writing: Promise<void> | undefined
  let isNew = false

  const pause = (ms: number) => setTimeout(ms, undefined, { signal: closing.signal, ref: false }).catch(() => {})
  const write = async () => {
    await pause(FIRST_MS)
    while (isNew && !closing.signal.aborted) {
      isNew = false
      const events = backlog.unwritten().slice()
      try {
        await recordLive(db, holder, standing, events)
        backlog.written(events.at(-1)?.id ?? 0)
      } catch (error) {
        log.warn({ executionId: holder.id, error: messageOf(error) }, 'live events not recorded')
        isNew = true // they are tried again with the next ones, or go with the end
      }
      await pause(INTERVAL_MS)
    }
    writing = undefined
  }
  const changed = () => {
    isNew = true
    if (!closing.signal.aborted) writing ??= write()
  }
  const settle = async () => {
    closing.abort()
    await writing
  }
  return {
    tell: (event) => {
      backlog.add(event)
      if (event.kind === 'cell') standing = { ...standing, cell: event.cellNumber, cells: event.cells }
      if (event.kind === 'phase') standing = { ...standing, ...enter(event, standing) }
      changed()
    },
    staged: (inputs) => {
      standing = { ...standing, ...inputs }
      changed()
    },
    warn: (message) => {
      metrics.warnings = [...(metrics.warnings ?? []), message]
    },
    used: (usage) => {
      Object.assign(metrics, usage)
    },
    ended: ({ cellIndex, ms, outputBytes }) => {
      metrics.cells.push([cellIndex, Math.round(ms * 10) / 10])
      metrics.outputBytes = (metrics.outputBytes ?? 0) + outputBytes
    },
    settle,
    standing: () => standing,
    seen: () => ({ ...standing, events: backlog.unwritten(), metrics }),
    [Symbol.asyncDispose]: settle,
  }
}

/** A notebook that never began has no end. */
function enter({ phase, at }: Extract<LiveEvent, { kind: 'phase' }>, { inputsCompletedAt }: Standing) {
  return {
    phase,
    ...(phase === 'notebook' ? { inputsCompletedAt: new Date(at) } : {}),
    ...(phase === 'outputs' && inputsCompletedAt ? { notebookCompletedAt: new Date(at) } : {}),
  }
}
