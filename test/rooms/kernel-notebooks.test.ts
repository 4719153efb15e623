/**
 * Each notebook in test/notebooks is run and compared with the outputs stored in it; another case is another file.
 * Run this file itself with `--update-notebooks` to store what the kernel says now, then read the difference.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { type Notebook, type Output, parseNotebook, serializeNotebook } from '../../server/kernel/notebook.ts'
import { withoutColours } from '../../server/kernel/terminal.ts'
import { runNotebook } from '../support/notebook-run.ts'

const FOLDER = join(import.meta.dirname, '../notebooks')
const UPDATE = process.argv.includes('--update-notebooks')

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.ipynb'))) {
  test(`${name} gives the outputs stored in it`, async () => {
    const path = join(FOLDER, name)
    const expected = parseNotebook(readFileSync(path))
    const { notebook, outcome } = await runNotebook(parseNotebook(readFileSync(path)))
    assert.deepEqual(outcome, { kind: 'finished' })
    const actual = normalised(notebook)
    if (UPDATE) writeFileSync(path, serializeNotebook(actual))
    else assert.deepEqual(actual.cells, normalised(expected).cells)
  })
}

/** Leaves out what differs from machine to machine and version to version: times, pictures' bytes, tracebacks' frames. */
function normalised(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => {
    const { execution: _, ...metadata } = cell.metadata
    return cell.cell_type === 'code' ? { ...cell, metadata, outputs: cell.outputs.map(normalisedOutput) } : cell
  })
  const { language_info: _, ...metadata } = notebook.metadata
  return { ...notebook, metadata, cells }
}

function normalisedOutput(output: Output): Output {
  if (output.output_type === 'error') {
    const evalue = output.evalue.replace(/ \(.*\)$/, '')
    return { ...output, evalue, traceback: [] }
  }
  if (output.output_type === 'stream') return { ...output, text: normalisedText(output.text) }
  const data = Object.entries(output.data).map(([type, value]) => {
    if (type.startsWith('image/png')) return [type, 'a picture']
    return [type, typeof value === 'string' ? normalisedText(value) : value]
  })
  return { ...output, data: Object.fromEntries(data) }
}

/** Also for paths in warnings (SystemExit's, for one), addresses, and the line ends of pseudo terminals. */
function normalisedText(text: string): string {
  return withoutColours(text)
    .replaceAll('\r\n', '\n')
    .replaceAll(/0x[0-9a-f]{6,}/g, '0x0')
    .replaceAll(/\/[^\n"]+\/interactiveshell\.py:\d+/g, 'interactiveshell.py')
}
