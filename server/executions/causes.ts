/**
 * Why an execution did not succeed: every cause there is, the status it leads to, and the sentence its owner reads. Data,
 * never an exception. Somebody who branches on a cause does so by its name, so names never change their meaning.
 */

import type { ExecutionCause } from '../../contract/executions.ts'
import { storableText } from '../ground/storable.ts'

/** The final status that each cause leads to. Handled by: the notebook's owner, unless a comment says otherwise. */
export const CAUSES = {
  /** Cause: a cell raised, and was not expected to. */
  CellError: 'errored',
  /** Cause: one cell ran longer than a cell may. */
  CellTimeout: 'timeout',
  /** Cause: all cells together ran longer than the notebook may. */
  RunTimeout: 'timeout',
  /** Cause: the kernel sent nothing at all for too long while a cell ran. */
  Silent: 'timeout',
  /** Cause: the memory limit killed the kernel, or refused what a cell asked for. */
  OutOfMemory: 'errored',
  /** Cause: a cell failed because its part of the file system was full. */
  DiskQuota: 'errored',
  /** Cause: the notebook sent far more output than could ever be kept. */
  OutputLimit: 'errored',
  /** Cause: the kernel ended under a cell: a crash, a signal, `os._exit`. */
  KernelDied: 'errored',
  /** Cause: the kernel stopped speaking its protocol. */
  KernelBroken: 'errored',
  /** Cause: no kernel could be started. Handled by: the operator; the message holds what it said. */
  KernelNotStarted: 'errored',
  /** Cause: an input could not be made. */
  InputFailed: 'errored',
  /** Cause: the notebook did not write a file that is an output. */
  OutputMissing: 'errored',
  /** Cause: an output's file is there and can't be taken: no plain file, too large, not what its table expects. */
  OutputRejected: 'errored',
  /** Cause: a page or document of the notebook could not be made. */
  ResultNotMade: 'errored',
  /** Cause: the uploaded file can't be read any more. Handled by: the owner uploads it again. */
  NotebookUnreadable: 'errored',
  /** Cause: the image the notebook asks for is not installed. Handled by: the operator, by `npm run setup`. */
  ImageMissing: 'errored',
  /** Cause: its workers died, as often as there are attempts. Handled by: the operator; the owner may try again. */
  WorkerLost: 'errored',
  /** Cause: somebody asked for it. */
  Canceled: 'canceled',
} as const

export type CauseName = keyof typeof CAUSES

/** A cause with what is known of it. */
export interface Failure extends Omit<ExecutionCause, 'name'> {
  readonly name: CauseName
}

/** Where in the notebook it happened. */
export interface Place {
  /** In `notebook.cells`, from 0. */
  readonly cellIndex: number
  /** Among the cells that run, from 1: the number in its brackets. */
  readonly cellNumber: number
}

export interface Raised extends Place {
  readonly ename: string
  readonly evalue: string
  readonly traceback: readonly string[]
}

/** ENOSPC, EFBIG and EDQUOT, as Python's OSError begins its text. */
const DISK_FULL = /^\[Errno (?:28|27|122)\]/

/** What Python and numpy raise when an allocation is refused, which a memory limit without a control group does. */
const NO_MEMORY = new Set(['MemoryError', '_ArrayMemoryError', 'ArrayMemoryError'])

/** A cell raised. What was raised because a limit was reached is told as that limit. */
export function cellRaised(raised: Raised): Failure {
  const { ename, evalue, traceback, cellIndex, cellNumber } = raised
  const told = { ...placeOf(raised), ename, evalue, traceback: [...traceback] }
  const message = `${where({ cellIndex, cellNumber })} raised ${ename}: ${evalue}`
  if (NO_MEMORY.has(ename)) return { name: 'OutOfMemory', message, ...told }
  if (DISK_FULL.test(evalue)) {
    return { name: 'DiskQuota', message: `${message}; its folder has no more room than the limits allow`, ...told }
  }
  return { name: 'CellError', message, ...told }
}

export const outOfMemory = (place: Place): Failure =>
  at('OutOfMemory', place, 'the kernel was killed because it used more memory than an execution may')

export const kernelDied = (place: Place, how: string): Failure =>
  at('KernelDied', place, `the kernel ended with ${how}`)

export const kernelBroken = (place: Place, why: string): Failure => at('KernelBroken', place, why)

export const outputLimit = (place: Place, why: string): Failure => at('OutputLimit', place, why)

export const cellTimeout = (place: Place, seconds: number): Failure =>
  at('CellTimeout', place, `it ran longer than the ${seconds} seconds a cell may`)

export const silent = (place: Place, seconds: number): Failure =>
  at('Silent', place, `the kernel sent nothing for ${seconds} seconds`)

export const runTimeout = (message: string): Failure => ({ name: 'RunTimeout', message })

export const canceled: Failure = { name: 'Canceled', message: 'The execution was canceled' }

export const inputFailed = (input: string, type: string, why: string): Failure => ({
  name: 'InputFailed',
  message: `Input "${input}" (${type}): ${why}`,
  input,
})

export const outputMissing = (output: string, type: string, why: string): Failure => ({
  name: 'OutputMissing',
  message: `Output "${output}" (${type}): ${why}`,
  output,
})

export const outputRejected = (output: string, type: string, why: string): Failure => ({
  ...outputMissing(output, type, why),
  name: 'OutputRejected',
})

export const resultNotMade = (output: string, why: string): Failure => ({
  name: 'ResultNotMade',
  message: `${output} could not be made: ${why}`,
  output,
})

const at = (name: CauseName, place: Place, what: string): Failure => ({
  name,
  message: `${where(place)}: ${what}`,
  ...placeOf(place),
})

const placeOf = ({ cellNumber, cellIndex }: Place): Place => ({ cellNumber, cellIndex })

/** The number in the cell's brackets, and where it stands in the notebook counted from 1, as Jupyter shows both. */
const where = ({ cellIndex, cellNumber }: Place) => `Cell [${cellNumber}] (cell ${cellIndex + 1} of the notebook)`

/** Longer texts hold somebody's data; the notebook has them whole. */
const MAX_TEXT = 10_000
const MAX_LINES = 100

/** The failure as it is stored: texts a database can hold, of a bounded length. */
export const told = (failure: Failure): ExecutionCause => ({
  ...failure,
  name: failure.name,
  message: bounded(failure.message),
  ...(failure.ename === undefined ? {} : { ename: bounded(failure.ename) }),
  ...(failure.evalue === undefined ? {} : { evalue: bounded(failure.evalue) }),
  ...(failure.traceback === undefined ? {} : { traceback: lastLines(failure.traceback) }),
})

const bounded = (text: string) => storableText(text.slice(0, MAX_TEXT))

/** The end of a traceback is what happened; where it began is the cell. */
function lastLines(lines: readonly string[]): string[] {
  const kept: string[] = []
  let room = 4 * MAX_TEXT
  for (const line of lines.slice(-MAX_LINES).toReversed()) {
    const text = bounded(line).slice(0, room)
    room -= text.length
    if (room <= 0) break
    kept.unshift(text)
  }
  return kept
}
