/** The notebook phase of a run: a kernel of its own, the cells one after the other, the failure told so that its owner finds the cell. */

import { AppError, messageOf } from '../ground/errors.ts'
import { type Outcome, runCells } from '../kernel/execute.ts'
import { type Kernel, KernelNotStarted } from '../kernel/kernel.ts'
import type { Notebook } from '../kernel/notebook.ts'
import type { Ending } from '../sandbox/process.ts'
import type { Failure } from './lifecycle.ts'
import { stopped } from './stop.ts'

export interface CellsRun {
  readonly notebook: Notebook
  /** The kernel that was started while the inputs were staged. */
  readonly kernel: Promise<Kernel>
  readonly signal: AbortSignal
  readonly onProgress: (cell: number, cells: number) => void
  readonly onStream: (name: 'stdout' | 'stderr', text: string) => void
}

/** Files left open and `atexit` functions get this long after the last cell. */
const FINISH_MS = 2000

/** Runs the cells and closes the kernel with everything it started. Gives the failure, or undefined when all cells ran. */
export async function runNotebook(run: CellsRun): Promise<Failure | undefined> {
  try {
    await using kernel = await run.kernel
    const outcome = await runCells({
      notebook: run.notebook,
      kernel,
      signal: run.signal,
      onProgress: ({ cellNumber, cells }) => run.onProgress(cellNumber, cells),
      onStream: run.onStream,
    })
    if (outcome.kind === 'finished' || outcome.kind === 'failed') await kernel.finish(FINISH_MS)
    return failureOf(outcome, run)
  } catch (error) {
    if (run.signal.aborted) return stopped(run.signal, 'notebook')
    if (error instanceof KernelNotStarted) return notStarted(error)
    if (error instanceof AppError && error.kind === 'unavailable') throw error
    // Running the user's code again would most likely end here again, so it is told instead.
    return failed('KernelBroken', `The notebook could not be run to its end: ${messageOf(error)}`)
  }
}

function failureOf(outcome: Outcome, run: CellsRun): Failure | undefined {
  switch (outcome.kind) {
    case 'finished':
      return undefined
    case 'stopped':
      return stopped(run.signal, 'notebook')
    case 'failed': {
      const { ename, evalue, cellIndex, cellNumber } = outcome.error
      return failed(ename || 'Error', `${where(cellIndex, cellNumber)} raised ${ename}: ${evalue}`)
    }
    case 'died':
      if (run.signal.aborted) return stopped(run.signal, 'notebook')
      return failed('KernelDied', `${where(outcome.cellIndex, outcome.cellNumber)}: ${causeOfDeath(outcome.ending)}`)
    case 'broken':
      return failed('KernelBroken', `${where(outcome.cellIndex, outcome.cellNumber)}: ${outcome.message}`)
  }
}

const failed = (name: string, message: string): Failure => ({ stage: 'notebook', reason: 'failed', name, message })

/** The number in the cell's brackets, and where it stands in the notebook counted from 1, as Jupyter shows both. */
const where = (cellIndex: number, cellNumber: number) => `Cell [${cellNumber}] (cell ${cellIndex + 1} of the notebook)`

function causeOfDeath(ending: Ending): string {
  if (ending.reason === 'outOfMemory') return 'the kernel was killed because it used more memory than an execution may'
  const how = ending.signal ? `signal ${ending.signal}` : `exit code ${ending.exitCode}`
  return `the kernel ended with ${how}`
}

function notStarted(error: KernelNotStarted): Failure {
  const tail = error.ending?.stderrTail.trim()
  return failed('KernelNotStarted', `The kernel could not be started: ${error.message}${tail ? `\n${tail}` : ''}`)
}
