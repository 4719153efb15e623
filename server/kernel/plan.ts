/** Which cells of a notebook run, and what is taken out of them before they do. */
import type { CellPlace } from './events.ts'
import { type CodeCell, hasTag, type Notebook } from './notebook.ts'

export interface PlannedCell extends CellPlace {
  readonly cell: CodeCell
}

/** Code that is not blank and not tagged `skip-execution`, as nbclient chooses; numbered from 1 in the order in which it runs. */
export function planCells(notebook: Notebook): PlannedCell[] {
  let cellNumber = 0
  return notebook.cells.flatMap((cell, cellIndex) => {
    if (cell.cell_type !== 'code' || cell.source.trim() === '' || hasTag(cell, 'skip-execution')) return []
    cellNumber += 1
    return [{ cell, cellIndex, cellNumber }]
  })
}

/** Takes out what an author's own run left in cells that run again, and of its widgets: it would pass for this run's results. */
export function forgetResults(notebook: Notebook): void {
  for (const { cell } of planCells(notebook)) {
    cell.outputs = []
    cell.execution_count = null
    const { execution: _, ...metadata } = cell.metadata
    cell.metadata = metadata
  }
  delete notebook.metadata['widgets']
}
