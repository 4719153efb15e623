/**
 * Notebooks as people upload them, and as they are stored again: nbformat 4, brought to 4.5.
 * Everything inside trusts the `Notebook` type; what is unknown to the format is left out here, not carried along.
 */
import { createHash } from 'node:crypto'
import { invalid } from '../ground/errors.ts'
import { JSON_LIMITS, parseJson } from '../ground/json.ts'
import { shorten } from '../ground/shorten.ts'
import { isPython } from '../sandbox/kernelspecs.ts'

export type Metadata = Record<string, unknown>

export type Output =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { output_type: 'display_data'; data: Metadata; metadata: Metadata }
  | { output_type: 'execute_result'; data: Metadata; metadata: Metadata; execution_count: number | null }
  | { output_type: 'error'; ename: string; evalue: string; traceback: string[] }

export interface CodeCell {
  cell_type: 'code'
  id: string
  metadata: Metadata
  source: string
  execution_count: number | null
  outputs: Output[]
}

export interface TextCell {
  cell_type: 'markdown' | 'raw'
  id: string
  metadata: Metadata
  source: string
  attachments?: Metadata
}

export type Cell = CodeCell | TextCell

export interface Notebook {
  nbformat: 4
  nbformat_minor: number
  metadata: Metadata
  cells: Cell[]
}

export interface NotebookLimits {
  readonly maxBytes: number
  readonly maxCells: number
  readonly maxDepth: number
}

export const NOTEBOOK_LIMITS: NotebookLimits = { maxBytes: 32 * 1024 ** 2, maxCells: 10_000, maxDepth: 100 }

/** Throws `invalid` with a sentence for the person who uploaded it. */
export function parseNotebook(
  bytes: Buffer,
  limits: NotebookLimits = NOTEBOOK_LIMITS,
  languages: readonly string[] | 'any' = [],
): Notebook {
  if (bytes.length > limits.maxBytes) {
    throw invalid(`The notebook has ${bytes.length} bytes; at most ${limits.maxBytes} are allowed`)
  }
  const file = readFile(bytes, limits)
  assertVersion(file)
  const metadata = isObject(file['metadata']) ? file['metadata'] : {}
  if (languages !== 'any') assertLanguage(metadata, languages)
  const cells = file['cells']
  if (!Array.isArray(cells)) throw invalid('The notebook has no list of cells')
  if (cells.length > limits.maxCells) {
    throw invalid(`The notebook has ${cells.length} cells; at most ${limits.maxCells} are allowed`)
  }
  const ids = new Set<string>()
  const parsed = cells.map((cell: unknown, index) => parseCell(cell, index, ids))
  return { nbformat: 4, nbformat_minor: Math.max(5, minorOf(file)), metadata, cells: parsed }
}

/** As Jupyter writes it: one space of indentation and a line end. */
export function serializeNotebook(notebook: Notebook): string {
  return `${JSON.stringify(notebook, null, 1)}\n`
}

/** Whether the author marked the cell, by nbclient's names: `skip-execution`, `raises-exception`. */
export function hasTag(cell: Cell, tag: string): boolean {
  const tags = cell.metadata['tags']
  return Array.isArray(tags) && tags.includes(tag)
}

/** The outputs in a list that a kernel has made; what is none is left out. */
export function outputsIn(list: unknown): Output[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((output: unknown) => {
    try {
      return [parseOutput(output, 0)]
    } catch {
      return []
    }
  })
}

/** Results that were saved with it hold pictures as text; the size of the file bounds them. */
const LIMITS = { ...JSON_LIMITS, membersOfOne: 100_000, textLength: Number.POSITIVE_INFINITY, takesPrototypes: true }

function readFile(bytes: Buffer, { maxDepth }: NotebookLimits): Metadata {
  const value = parseJson(bytes, 'The notebook', { ...LIMITS, levels: maxDepth })
  if (!isObject(value)) throw invalid('The notebook is not a JSON object; upload the .ipynb file as Jupyter saves it')
  return value
}

function assertVersion(file: Metadata): void {
  const version = file['nbformat']
  if (typeof version !== 'number') throw invalid('The file is not a notebook: it does not say its nbformat')
  if (version < 4) {
    const convert = 'jupyter nbconvert --to notebook --nbformat 4 <file>'
    throw invalid(
      `The notebook is nbformat ${version}; open it in Jupyter and save it as version 4, or run: ${convert}`,
    )
  }
  if (version > 4) throw invalid(`The notebook is nbformat ${version}; only version 4 is known here`)
}

const minorOf = (file: Metadata) => (typeof file['nbformat_minor'] === 'number' ? file['nbformat_minor'] : 0)

/**
 * The language of a notebook and the kernel it names; undefined for Python, which is also what one that doesn't say is
 * taken for, as most tools that leave it out mean.
 */
export function foreignKernel(metadata: Metadata): { readonly language: string; readonly name: string } | undefined {
  const spec = isObject(metadata['kernelspec']) ? metadata['kernelspec'] : {}
  const info = isObject(metadata['language_info']) ? metadata['language_info'] : {}
  const languages = [spec['language'], info['name']].filter((word) => typeof word === 'string')
  const language = languages.find((word) => !isPython(word))
  return language === undefined ? undefined : { language, name: String(spec['name'] ?? '') }
}

/** @throws invalid for a notebook in a language that nothing here runs */
function assertLanguage(metadata: Metadata, known: readonly string[]): void {
  const foreign = foreignKernel(metadata)
  if (!foreign || known.some((language) => language.toLowerCase() === foreign.language.toLowerCase())) return
  const all = ['Python', ...known].join(', ')
  throw invalid(`The notebook is written in ${shorten(foreign.language)}; what can run here is ${all}`)
}

function parseCell(cell: unknown, index: number, ids: Set<string>): Cell {
  const number = index + 1
  if (!isObject(cell)) throw invalid(`Cell ${number} of the notebook is not an object`)
  const source = textOf(cell['source'], `The source of cell ${number}`)
  const metadata = isObject(cell['metadata']) ? cell['metadata'] : {}
  const id = uniqueId(cell['id'], index, source, ids)
  const type = cell['cell_type']
  if (type === 'code') {
    const count = cell['execution_count']
    const outputs = Array.isArray(cell['outputs']) ? cell['outputs'] : []
    return {
      cell_type: 'code',
      id,
      metadata,
      source,
      execution_count: typeof count === 'number' ? count : null,
      outputs: outputs.map((output: unknown) => parseOutput(output, number)),
    }
  }
  if (type !== 'markdown' && type !== 'raw')
    throw invalid(`Cell ${number} has the unknown type ${shorten(String(JSON.stringify(type)))}`)
  const attachments = cell['attachments']
  return { cell_type: type, id, metadata, source, ...(isObject(attachments) ? { attachments } : {}) }
}

/** Before 4.5 cells had no ids; copies of cells have the same one twice. Made ones are stable from run to run. */
function uniqueId(given: unknown, index: number, source: string, ids: Set<string>): string {
  const made = () => createHash('sha256').update(`${index}:${source}`).digest('hex').slice(0, 8)
  const valid = typeof given === 'string' && /^[a-zA-Z0-9_-]{1,64}$/.test(given) && !ids.has(given)
  let id = valid ? given : made()
  while (ids.has(id)) id += 'x'
  ids.add(id)
  return id
}

function parseOutput(output: unknown, number: number): Output {
  if (!isObject(output)) throw invalid(`An output of cell ${number} is not an object`)
  const what = `An output of cell ${number}`
  const type = output['output_type']
  const data = isObject(output['data']) ? joinedLines(output['data']) : {}
  const metadata = isObject(output['metadata']) ? output['metadata'] : {}
  if (type === 'stream') {
    return {
      output_type: type,
      name: output['name'] === 'stderr' ? 'stderr' : 'stdout',
      text: textOf(output['text'], what),
    }
  }
  if (type === 'display_data') return { output_type: type, data, metadata }
  if (type === 'execute_result') {
    const count = output['execution_count']
    return { output_type: type, data, metadata, execution_count: typeof count === 'number' ? count : null }
  }
  if (type !== 'error') throw invalid(`${what} has the unknown type ${shorten(String(JSON.stringify(type)))}`)
  const traceback = Array.isArray(output['traceback']) ? output['traceback'].map(String) : []
  return { output_type: type, ename: String(output['ename'] ?? ''), evalue: String(output['evalue'] ?? ''), traceback }
}

/** A bundle in which texts are texts; under JSON types a list of texts is a list. */
function joinedLines(data: Metadata): Metadata {
  const joined = Object.entries(data).map(([type, value]) => {
    const isLines = Array.isArray(value) && value.every((line) => typeof line === 'string')
    return [type, isLines && !/^application\/(.*\+)?json$/.test(type) ? value.join('') : value]
  })
  return Object.fromEntries(joined)
}

/** The format allows a text or a list of lines. */
function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((line) => typeof line === 'string')) return value.join('')
  throw invalid(`${what} is neither a text nor a list of lines`)
}

function isObject(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
