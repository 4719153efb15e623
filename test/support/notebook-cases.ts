/**
 * The notebooks in test/notebooks: what each one says about how it ends and what it needs, and what of a notebook that ran
 * is the same on every machine.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../server/kernel/execute.ts'
import { type Notebook, type Output, parseNotebook } from '../../server/kernel/notebook.ts'
import { withoutColours, writeToTerminal } from '../../server/kernel/terminal.ts'
import type { Image } from '../../server/sandbox/image.ts'

/** In the metadata of a notebook, under `fieldbook`. */
export interface Case {
  readonly name: string
  readonly path: string
  readonly notebook: Notebook
  /** How the run ends; `finished` unless said otherwise. */
  readonly ends: Readonly<Record<string, unknown>>
  /** Packages of the image. */
  readonly needs: readonly string[]
  /** Texts count whatever cell they are in: those on a file descriptor come to a stock kernel through a thread, late or not. */
  readonly joined: boolean
  /** Why nbclient is expected to say something else. */
  readonly differs: string | undefined
}

const FOLDER = join(import.meta.dirname, '../notebooks')

/** All of them, by name. */
export const notebookCases = (): Case[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.ipynb'))
    .map((name) => {
      const path = join(FOLDER, name)
      const notebook = parseNotebook(readFileSync(path))
      // Our own files: they are what this reads.
      const said = (notebook.metadata['fieldbook'] ?? {}) as Partial<Omit<Case, 'name' | 'path' | 'notebook'>>
      return { name, path, notebook, ends: { kind: 'finished' }, needs: [], joined: false, differs: undefined, ...said }
    })

/** Why a case can't run in an image; undefined when it can. */
export function lacking({ needs }: Case, image: Image): string | undefined {
  const lacks = needs.filter((name) => image.packages[name] === undefined)
  return lacks.length > 0 ? `the image has no ${lacks.join(', ')}` : undefined
}

/** The part of an outcome that a notebook can say beforehand. */
export function endOf(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind === 'failed') return { kind: outcome.kind, ename: outcome.error.ename }
  if (outcome.kind !== 'died') return { kind: outcome.kind }
  return { kind: outcome.kind, exitCode: outcome.ending?.exitCode, signal: outcome.ending?.signal }
}

/** Leaves out what differs from machine to machine and run to run: times, pictures' bytes, tracebacks' frames, random ids. */
export function normalised(notebook: Notebook, { joined }: Pick<Case, 'joined'>): Notebook {
  const cells = notebook.cells.map((cell) => {
    const { execution: _, ...metadata } = cell.metadata
    return cell.cell_type === 'code' ? { ...cell, metadata, outputs: merged(cell.outputs).map(normalisedOutput) } : cell
  })
  if (joined) joinStreams(cells)
  const { language_info: _, ...metadata } = notebook.metadata
  return withoutModelIds({ ...notebook, metadata, cells })
}

/** Moves the texts of all cells into the first one, by stream. */
function joinStreams(cells: Notebook['cells']): void {
  const codes = cells.filter((cell) => cell.cell_type === 'code')
  const all = codes.flatMap((cell) => cell.outputs).filter((output) => output.output_type === 'stream')
  for (const cell of codes) cell.outputs = cell.outputs.filter((output) => output.output_type !== 'stream')
  const byName = (['stdout', 'stderr'] as const).map((name): Output => {
    const text = all.flatMap((output) => (output.name === name ? [output.text] : [])).join('')
    return { output_type: 'stream', name, text }
  })
  codes[0]?.outputs.unshift(...byName)
}

/** Streams as we store them: neighbours as one, with the returns of progress bars carried out. nbclient stores the messages. */
function merged(outputs: readonly Output[]): Output[] {
  const list: Output[] = []
  for (const output of outputs) {
    const last = list.at(-1)
    if (output.output_type !== 'stream') list.push(output)
    else if (last?.output_type !== 'stream' || last.name !== output.name) list.push({ ...output })
    else last.text += output.text
  }
  return list.map((output) =>
    output.output_type === 'stream' ? { ...output, text: terminalText(output.text) } : output,
  )
}

function terminalText(text: string): string {
  const { settled, line } = writeToTerminal('', text)
  return settled + line
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

/** Widget models are named at random; here by the order in which they are met. */
function withoutModelIds(notebook: Notebook): Notebook {
  const names = new Map<string, string>()
  const text = JSON.stringify(notebook).replaceAll(/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g, (id) => {
    const name = names.get(id) ?? `model-${names.size + 1}`
    names.set(id, name)
    return name
  })
  return parseNotebook(Buffer.from(text))
}
