/** What a run used: as it is kept with the execution, and as its own endpoint tells it. */

import type { ExecutionUsage } from '../../contract/executions.ts'
import type { Execution, KeptFile } from './record.ts'

/** What the row of the execution does not say by itself. */
export interface Metrics {
  readonly peakMemoryBytes?: number
  readonly cpuSeconds?: number
  /** Sent by cells, whether it was kept or not. */
  readonly outputBytes?: number
  /** What its owner should know that is no failure. */
  readonly warnings?: readonly string[]
  /** Of each cell that ended, in the order they ran: its index in the notebook, and milliseconds. */
  readonly cells: readonly (readonly [number, number])[]
}

/** Phases come from the times of the row, bytes from its files. */
export function usageOf(execution: Execution): ExecutionUsage {
  const { queuedAt, startedAt, inputsCompletedAt, notebookCompletedAt, outputsCompletedAt } = execution
  const { peakMemoryBytes, cpuSeconds, outputBytes, cells } = execution.metrics ?? { cells: [] }
  return {
    ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
    ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    bytesIn: bytesOf(execution.inputInfo),
    bytesOut: bytesOf(execution.outputInfo),
    ...(outputBytes === undefined ? {} : { outputBytes }),
    phasesMs: {
      ...between('queued', queuedAt, startedAt),
      ...between('inputs', startedAt, inputsCompletedAt),
      ...between('notebook', inputsCompletedAt, notebookCompletedAt),
      ...between('outputs', notebookCompletedAt, outputsCompletedAt),
    },
    cells: cells.map(([cellIndex, ms], index) => ({ cellNumber: index + 1, cellIndex, ms })),
  }
}

const bytesOf = (files: Readonly<Record<string, KeptFile>>) =>
  Object.values(files).reduce((sum, { size }) => sum + size, 0)

const between = (phase: keyof ExecutionUsage['phasesMs'], from: Date | undefined, to: Date | undefined) =>
  from && to ? { [phase]: to.getTime() - from.getTime() } : {}
