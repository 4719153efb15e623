/**
 * How many bytes of output each cell and the whole run hold at the moment. Counts what is stored, not what was sent:
 * a progress bar that rewrites one line for an hour stays one line.
 */
import type { CodeCell, Output } from './notebook.ts'

export interface OutputLimits {
  readonly cellBytes: number
  readonly runBytes: number
  readonly cellOutputs: number
}

export const OUTPUT_LIMITS: OutputLimits = {
  cellBytes: 10 * 1024 ** 2,
  runBytes: 50 * 1024 ** 2,
  cellOutputs: 10_000,
}

export interface Ledger {
  /** How many more bytes the cell may hold. */
  room(cell: CodeCell): number
  mayAddOutput(cell: CodeCell): boolean
  sizeOf(output: Output): number
  resize(cell: CodeCell, output: Output, bytes: number): void
  /** The cell's outputs are about to be dropped. */
  forget(cell: CodeCell): void
}

/** An empty ledger; everything stored must go through `resize`, or the run's limit does not hold. */
export function createLedger(limits: OutputLimits): Ledger {
  const sizes = new Map<Output, number>()
  const cells = new Map<CodeCell, number>()
  let run = 0
  const sizeOf = (output: Output) => sizes.get(output) ?? 0
  const bytesOf = (cell: CodeCell) => cells.get(cell) ?? 0
  return {
    room: (cell) => Math.max(0, Math.min(limits.cellBytes - bytesOf(cell), limits.runBytes - run)),
    mayAddOutput: (cell) => cell.outputs.length < limits.cellOutputs,
    sizeOf,
    resize: (cell, output, bytes) => {
      const grown = bytes - sizeOf(output)
      sizes.set(output, bytes)
      cells.set(cell, bytesOf(cell) + grown)
      run += grown
    },
    forget: (cell) => {
      for (const output of cell.outputs) sizes.delete(output)
      run -= bytesOf(cell)
      cells.delete(cell)
    },
  }
}
