/** The notebooks of the benchmarks: the same bytes go to us and to every peer. */

import type { NotebookPost } from '../contract/notebooks.ts'

export interface BenchNotebook {
  readonly name: string
  readonly says: string
  /** The `.ipynb`. */
  readonly text: string
  readonly outputs: NotebookPost['outputs']
  /** true: it reads `history.csv` of INPUT_DIR, 1,000 rows of one device. */
  readonly readsHistory: boolean
}

/** One cell of next to nothing: what is left is what an execution costs at least. */
export const TRIVIAL = notebook('trivial', 'one cell, 1 + 1', ['1 + 1'])

/** pandas, and a figure of 400 points drawn and shown inline. */
export const PLOT = notebook('plot', 'pandas and one inline figure of matplotlib', [
  'import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt',
  "d = pd.DataFrame({'x': np.linspace(0, 20, 400)})\nd['y'] = np.sin(d['x'])\nd.describe()",
  "fig, ax = plt.subplots()\nax.plot(d['x'], d['y'])\nax.set_title('a sine')\nplt.show()",
])

/** What a cell costs, beside what an execution costs. */
export const HUNDRED = many(100)

/** A small real job: read, compute in small steps, write. */
export const ELEVEN = notebook(
  'eleven',
  '11 cells: 1,000 rows read with pandas, computed on, written as a CSV',
  [
    "import os\nimport pandas as pd\nd = pd.read_csv(os.path.join(os.environ['INPUT_DIR'], 'history.csv'))",
    'd.describe()',
    ...Array.from({ length: 8 }, (_, index) => `x${index} = d['value'].rolling(${index + 2}).mean()\nx${index}.max()`),
    "d.assign(smooth=x7).to_csv(os.path.join(os.environ['OUTPUT_DIR'], 'out.csv'), index=False)",
  ],
  [{ outputType: 'temporaryUrl', fileName: 'out.csv' }],
)

/** `count` cells that each show one number. */
export function many(count: number): BenchNotebook {
  const cells = Array.from({ length: count }, (_, index) => `x = ${index}\nx * 2`)
  return notebook(count === 100 ? 'hundred' : `${count} cells`, `${count} cells of one small result`, cells)
}

/** Ten cells that together print `megabytes` MB, in lines of 100 characters. */
export function printing(megabytes: number): BenchNotebook {
  const cell = `line = 'x' * 99 + '\\n'\nfor _ in range(100):\n    print(line * ${megabytes * 10}, end='')`
  return notebook(`${megabytes} MB`, `${megabytes} MB printed by ten cells`, Array<string>(10).fill(cell))
}

/** 70 cells as people write them, prose and code by turns: formulas, lists, tables, prints, frames and three figures. */
export function report(): BenchNotebook {
  const prose = (part: number) =>
    `## Part ${part}\n\nWhat *this part* does with \`x\`, for $x_{${part}}^2 + \\frac{1}{2}$:\n\n- a point\n- another\n\n` +
    `| a | b |\n|---|---|\n| ${part} | 2 |\n`
  const code = (part: number) => {
    if (part % 12 === 5)
      return 'fig, ax = plt.subplots()\nax.plot(frame["a"], frame["b"])\nax.set_title("a line")\nplt.show()'
    if (part % 5 === 1) return `frame.assign(c=frame["a"] * ${part}).describe()  # every column`
    return `for name, part in frame.groupby("key"):\n    # ${part}: the mean of each\n    print(f"{name}: {part['a'].mean():.3f}")`
  }
  const first =
    'import pandas as pd\nimport matplotlib.pyplot as plt\n\nframe = pd.DataFrame({"a": range(100), "b": [x * x for x in range(100)], "key": list("wxyz") * 25})'
  const cells = Array.from({ length: 35 }, (_, part) => [
    { cell_type: 'markdown', source: prose(part) },
    { cell_type: 'code', source: part === 0 ? first : code(part), execution_count: null, outputs: [] },
  ]).flat()
  const text = JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((cell, index) => ({ id: `c${index}`, metadata: {}, ...cell })),
  })
  return { name: 'report', says: 'a report of 70 cells with three figures', text, outputs: [], readsHistory: false }
}

function notebook(
  name: string,
  says: string,
  cells: readonly string[],
  outputs: NonNullable<NotebookPost['outputs']> = [],
): BenchNotebook {
  const text = JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((source, index) => ({
      id: `c${index}`,
      cell_type: 'code',
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  })
  return { name, says, text, outputs, readsHistory: text.includes('history.csv') }
}
