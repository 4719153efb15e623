/** The notebook phase of a run: a kernel of its own, the cells one after the other, the failure told so that its owner finds the cell. */

import type { ExecutionLimits } from '../../contract/limits.ts'
import { AppError, messageOf } from '../ground/errors.ts'
import { type Outcome, type RunOptions, runCells } from '../kernel/execute.ts'
import { type Kernel, KernelNotStarted } from '../kernel/kernel.ts'
import { OUTPUT_LIMITS } from '../kernel/ledger.ts'
import type { Notebook } from '../kernel/notebook.ts'
import type { Ending } from '../sandbox/process.ts'
import {
  cellRaised,
  cellTimeout,
  type Failure,
  kernelBroken,
  kernelDied,
  outOfMemory,
  outputLimit,
  silent,
} from './causes.ts'
import { type Live, toLive } from './live.ts'
import { KernelLost, stopped } from './stop.ts'

export interface CellsRun {
  readonly notebook: Notebook
  /** The kernel that was started while the inputs were staged. */
  readonly kernel: Promise<Kernel>
  readonly limits: ExecutionLimits | undefined
  readonly signal: AbortSignal
  readonly live: Live
  /** The notebook has changed; called often. */
  readonly onChange: () => void
  readonly onStream: (name: 'stdout' | 'stderr', text: string) => void
}

/** Files left open and `atexit` functions get this long after the last cell. */
const FINISH_MS = 2000

/** Runs the cells and closes the kernel with everything it started. Gives the failure, or undefined when all cells ran. */
export async function runNotebook(run: CellsRun): Promise<Failure | undefined> {
  const { notebook, limits, signal, live } = run
  try {
    await using kernel = await run.kernel
    // Known when the kernel is closed, which is waited for here in any case.
    void kernel.process.exited.then(({ usage }) => live.used(usage))
    const outcome = await runCells({
      notebook,
      kernel,
      signal,
      ...(limits ? boundsOf(limits) : {}),
      onEvent: (event) => {
        live.tell(toLive(event))
        if (event.type === 'cellEnded') live.ended(event)
        run.onChange()
      },
      onStream: run.onStream,
    })
    if (outcome.kind === 'died' && outcome.ending?.reason === 'serverLost') {
      throw new KernelLost('the fork server ended while the notebook ran')
    }
    if (outcome.kind === 'finished' || outcome.kind === 'failed') await kernel.finish(FINISH_MS)
    return failureOf(outcome, signal)
  } catch (error) {
    if (signal.aborted) return stopped(signal)
    if (error instanceof KernelLost) throw error
    if (error instanceof KernelNotStarted) return notStarted(error)
    if (error instanceof AppError && error.kind === 'unavailable') throw error
    // Running the user's code again would most likely end here again, so it is told instead.
    return { name: 'KernelBroken', message: `The notebook could not be run to its end: ${messageOf(error)}` }
  }
}

/** A limit of zero is none. */
const boundsOf = (limits: ExecutionLimits): Pick<RunOptions, 'limits' | 'times'> => ({
  limits: { ...OUTPUT_LIMITS, cellBytes: limits.cellOutputBytes, runBytes: limits.runOutputBytes },
  times: {
    ...(limits.cellSeconds > 0 ? { cellMs: limits.cellSeconds * 1000 } : {}),
    ...(limits.silenceSeconds > 0 ? { silenceMs: limits.silenceSeconds * 1000 } : {}),
  },
})

function failureOf(outcome: Outcome, signal: AbortSignal): Failure | undefined {
  switch (outcome.kind) {
    case 'finished':
      return undefined
    case 'stopped':
      return stopped(signal)
    case 'failed':
      return cellRaised(outcome.error)
    case 'timeout':
      return (outcome.cause === 'Silent' ? silent : cellTimeout)(outcome, outcome.limitMs / 1000)
    case 'died':
      if (signal.aborted) return stopped(signal)
      return outcome.ending?.reason === 'outOfMemory'
        ? outOfMemory(outcome)
        : kernelDied(outcome, howOf(outcome.ending))
    case 'outputLimit':
      return outputLimit(outcome, outcome.message)
    case 'broken':
      return kernelBroken(outcome, outcome.message)
  }
}

function howOf(ending: Ending | undefined): string {
  if (!ending) return 'a restart of its own'
  return ending.signal ? `signal ${ending.signal}` : `exit code ${ending.exitCode}`
}

function notStarted(error: KernelNotStarted): Failure {
  const tail = error.ending?.stderrTail.trim()
  const message = `The kernel could not be started: ${error.message}${tail ? `\n${tail}` : ''}`
  return { name: 'KernelNotStarted', message }
}
