/** What the soak runs: notebooks that end in every way there is, each telling by a row and a file that it ran to its end. */

import type { Client } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import { createDataTable } from '../../contract/data-tables.ts'
import type { ExecutionStatus } from '../../contract/executions.ts'
import { putLimits } from '../../contract/limits.ts'
import { createNotebook, uploadNotebook } from '../../contract/notebooks.ts'

export interface Kind {
  readonly name: string
  readonly weight: number
  readonly cells: readonly string[]
  /** How it ends when nothing befalls it. */
  readonly ends: ExecutionStatus
  /** Canceled after a time from 0 to this. */
  readonly cancelWithinMs?: number
  readonly runMinutes?: number
}

/** Leaves one row and one file named by the run, which are stored if and only if the notebook runs to its end. */
const WRITE = `import json, os
run = json.load(open(os.environ["INPUT_DIR"] + "/context.json"))["run"]
open(os.environ["OUTPUT_DIR"] + "/row.csv", "w").write("run\\n" + run + "\\n")
open(os.environ["OUTPUT_DIR"] + "/note.txt", "w").write(run)
print("written")`
const FOR_EVER = 'import threading; threading.Event().wait()'
const PLOT = `import matplotlib.pyplot as plt
plt.plot([n * n for n in range(100)])
plt.show()`

export const KINDS: readonly Kind[] = [
  { name: 'trivial', weight: 6, cells: [WRITE], ends: 'completed' },
  { name: 'plot', weight: 2, cells: [WRITE, PLOT], ends: 'completed' },
  { name: 'sleeping', weight: 4, cells: [WRITE, 'import time; time.sleep(2)', '1 + 1'], ends: 'completed' },
  { name: 'printing', weight: 2, cells: [WRITE, 'for n in range(20000): print(n)'], ends: 'completed' },
  { name: 'failing', weight: 2, cells: [WRITE, '1 / 0'], ends: 'errored' },
  {
    name: 'bomb',
    weight: 1,
    cells: [WRITE, 'hog = []\nwhile True: hog.append(bytearray(10_000_000))'],
    ends: 'errored',
  },
  { name: 'canceled', weight: 2, cells: [WRITE, FOR_EVER], ends: 'canceled', cancelWithinMs: 2500 },
  { name: 'overtime', weight: 1, cells: [WRITE, FOR_EVER], ends: 'timeout', runMinutes: 0.02 },
]

export interface Workplace {
  readonly applicationId: string
  readonly dataTableId: string
  /** By the name of the kind. */
  readonly notebookIds: ReadonlyMap<string, string>
}

/** An application with the table that all runs write to, and a notebook of each kind. */
export async function makeWorkplace(client: Client): Promise<Workplace> {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'Soak' } })
  const { id: dataTableId } = await client.call(createDataTable, {
    params: { applicationId },
    body: { name: 'Runs', columns: [{ name: 'run', dataType: 'string', constraint: 'optional' }] },
  })
  const notebookIds = new Map<string, string>()
  for (const kind of KINDS) {
    const { id: notebookId } = await client.call(createNotebook, {
      params: { applicationId },
      body: {
        name: kind.name,
        outputs: [
          { outputType: 'dataTable', fileName: 'row.csv', dataTableId },
          { outputType: 'file', fileName: 'note.txt', destinationFileNameTemplate: '{{ctx.run}}.txt' },
        ],
      },
    })
    const params = { applicationId, notebookId }
    await client.call(uploadNotebook, { params, file: { name: `${kind.name}.ipynb`, bytes: ipynb(kind.cells) } })
    if (kind.runMinutes) await client.call(putLimits, { params, body: { runMinutes: kind.runMinutes } })
    notebookIds.set(kind.name, notebookId)
  }
  return { applicationId, dataTableId, notebookIds }
}

function ipynb(cells: readonly string[]): Uint8Array<ArrayBuffer> {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((source, index) => ({
      id: `cell-${index}`,
      cell_type: 'code',
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  }
  return Uint8Array.from(Buffer.from(JSON.stringify(notebook)))
}
