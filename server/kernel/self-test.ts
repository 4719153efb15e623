/**
 * Whether forked kernels behave here as ipykernel over ZeroMQ does: the same few cells through both, outputs compared.
 * Forking leans on the insides of ipykernel, so each start proves it for the versions that are really there.
 */
import { runCells } from './execute.ts'
import type { Kernel } from './kernel.ts'
import { type Cell, type Output, parseNotebook } from './notebook.ts'

/** What differs when forking goes wrong: streams and their order, displays, errors, counts, magics, the event loop. */
const CELLS = [
  "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')",
  '_, In[1][:6], Out == {}',
  'from IPython.display import display, HTML, clear_output\nh = display(HTML("<b>1</b>"), display_id="d")',
  'h.update(HTML("<b>2</b>"))\nfloat("nan")',
  'import asyncio\nawait asyncio.sleep(0)\nawait asyncio.gather(*[asyncio.sleep(0, n) for n in range(3)])',
  // Alone in its cell: stock ipykernel reads what is written below Python from a thread, at any time.
  'import os\nos.write(1, b"from below\\n");',
  'print("\\ud800")',
  '%%bash\necho $((6 * 7))',
  '!echo shell',
  'def f(n):\n    return 1 / n\nf(0)',
  'print("before")\nclear_output(wait=True)\nprint("after")',
  'import threading\nt = threading.Thread(target=lambda: print("thread"))\nt.start()\nt.join()',
  'input()',
  '%%capture held\nprint("held back")',
  'held.stdout, sys.argv[1:], sys.path[0], __name__',
  'get_ipython().run_line_magic("matplotlib", "--list")',
]

/** A forked and a cold kernel, both fresh, that end with the signal; they are the caller's to close. @throws Error naming the first cell that differs */
export async function proveEqual(forked: Kernel, cold: Kernel, signal: AbortSignal): Promise<void> {
  const [ours, stock] = await Promise.all([outputsOf(forked, signal), outputsOf(cold, signal)])
  const index = CELLS.findIndex((_, at) => ours[at] !== stock[at])
  if (index < 0) return
  const cell = CELLS[index]?.split('\n').at(-1)
  throw new Error(`a forked kernel differs from a cold one in "${cell}": ${ours[index]} instead of ${stock[index]}`)
}

async function outputsOf(kernel: Kernel, signal: AbortSignal): Promise<string[]> {
  const cells = CELLS.map((source) => ({
    cell_type: 'code',
    metadata: { tags: ['raises-exception'] },
    source,
    outputs: [],
    execution_count: null,
  }))
  const file = { nbformat: 4, nbformat_minor: 4, metadata: {}, cells }
  const notebook = parseNotebook(Buffer.from(JSON.stringify(file)))
  const outcome = await runCells({ notebook, kernel, signal })
  if (outcome.kind !== 'finished') throw new Error(`the cells of the self-test ended as "${outcome.kind}"`)
  return notebook.cells.map(comparable)
}

/** Addresses and process ids differ from one process to the next. */
function comparable(cell: Cell): string {
  if (cell.cell_type !== 'code') return ''
  const told = (output: Output) =>
    output.output_type === 'error' ? { ...output, traceback: output.traceback.map(withoutChance) } : output
  return JSON.stringify([cell.execution_count, cell.outputs.map(told)])
}

const withoutChance = (line: string) => line.replace(/0x[0-9a-f]+|ipykernel_\d+|ipython-input-\S+?>/g, '…')
