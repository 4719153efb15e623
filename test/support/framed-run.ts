/** Runs cells in a framed kernel and gives what they show, in forms that are easy to compare. */
import { type Outcome, type RunOptions, runCells } from '../../server/kernel/execute.ts'
import { type CodeCell, type Notebook, type Output, parseNotebook } from '../../server/kernel/notebook.ts'
import type { FramedKernel } from './framed-kernel.ts'

export interface FramedRun {
  readonly outcome: Outcome
  readonly cells: readonly CodeCell[]
  /** What each cell printed to stdout. */
  readonly printed: readonly string[]
}

/** Code cells that may all raise without ending the run. */
export function notebookOf(sources: readonly string[]): Notebook {
  const cells = sources.map((source) => {
    const metadata = { tags: ['raises-exception'] }
    return { cell_type: 'code', metadata, source, outputs: [], execution_count: null }
  })
  return parseNotebook(Buffer.from(JSON.stringify({ nbformat: 4, nbformat_minor: 4, metadata: {}, cells })))
}

/** Runs them one after the other. */
export async function runFramed(
  kernel: FramedKernel,
  sources: readonly string[],
  options: Pick<RunOptions, 'onStream' | 'signal'> = {},
): Promise<FramedRun> {
  const notebook = notebookOf(sources)
  const outcome = await runCells({ notebook, kernel, ...options })
  const cells = notebook.cells.filter((cell) => cell.cell_type === 'code')
  return { outcome, cells, printed: cells.map(printedBy) }
}

/** Each output as one line: its text, or the name of what it is. */
export function shownBy(cell: CodeCell | undefined): string[] {
  return (cell?.outputs ?? []).map(told)
}

function printedBy(cell: CodeCell): string {
  return cell.outputs
    .map((output) => (output.output_type === 'stream' && output.name === 'stdout' ? output.text : ''))
    .join('')
}

function told(output: Output): string {
  if (output.output_type === 'stream') return `${output.name}: ${output.text}`
  if (output.output_type === 'error') return `${output.ename}: ${output.evalue}`
  return 'image/png' in output.data ? 'a picture' : String(output.data['text/plain'])
}
