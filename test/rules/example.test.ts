// The example notebook and the result page's template, checked as files: no Python is started here, so what a broken
// edit would spoil (stored outputs, a doubled cell id, a link to somebody's server) is noticed within milliseconds.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import test from 'node:test'

const NOTEBOOK = new URL('../../examples/weather-stations.ipynb', import.meta.url)
const TEMPLATE = new URL('../../runner/render/template/fieldbook/', import.meta.url)

/** The cell ids nbformat 4.5 allows. */
const CELL_ID = /^[a-zA-Z0-9_-]{1,64}$/

interface Cell {
  readonly cell_type: string
  readonly id: string
  readonly source: string | readonly string[]
  readonly outputs?: readonly unknown[]
  readonly execution_count?: number | null
}

interface Notebook {
  readonly nbformat: number
  readonly nbformat_minor: number
  readonly metadata: { readonly kernelspec: { readonly name: string } }
  readonly cells: readonly Cell[]
}

async function readNotebook(): Promise<Notebook> {
  // A parsing edge: the tests below are the check of this shape, a wrong one fails them.
  return JSON.parse(await readFile(NOTEBOOK, 'utf8')) as Notebook
}

const codeOf = (notebook: Notebook) => notebook.cells.filter((cell) => cell.cell_type === 'code')
const sourceOf = (cell: Cell) => (typeof cell.source === 'string' ? cell.source : cell.source.join(''))

async function readTemplate(): Promise<Map<string, string>> {
  const names = await readdir(TEMPLATE)
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, TEMPLATE), 'utf8')] as const)),
  )
}

test('the example is a notebook of nbformat 4.5 for the python3 kernel', async () => {
  const notebook = await readNotebook()
  assert.equal(notebook.nbformat, 4)
  assert.equal(notebook.nbformat_minor, 5)
  assert.equal(notebook.metadata.kernelspec.name, 'python3')
  assert.ok(notebook.cells.length <= 12, 'a reader gives an example twelve cells')
  for (const cell of notebook.cells) {
    assert.match(cell.cell_type, /^(code|markdown)$/)
    assert.match(cell.id, CELL_ID)
    assert.notEqual(sourceOf(cell).trim(), '', `cell ${cell.id} is empty`)
  }
})

test('every cell of the example has an id of its own', async () => {
  const ids = (await readNotebook()).cells.map((cell) => cell.id)
  assert.deepEqual(ids, [...new Set(ids)])
})

test('the example is stored without outputs and without execution counts', async () => {
  for (const cell of codeOf(await readNotebook())) {
    assert.deepEqual(cell.outputs, [], `cell ${cell.id} carries outputs`)
    assert.equal(cell.execution_count, null, `cell ${cell.id} carries an execution count`)
  }
})

test('the example finds its files through INPUT_DIR and OUTPUT_DIR and names no other place', async () => {
  const code = codeOf(await readNotebook())
    .map(sourceOf)
    .join('\n')
  for (const part of [
    "environ['INPUT_DIR']",
    "environ['OUTPUT_DIR']",
    "inputs / 'weather.csv'",
    "inputs / 'context.json'",
  ]) {
    assert.ok(code.includes(part), `the code misses ${part}`)
  }
  for (const output of ['seasons.png', 'summary.csv']) assert.ok(code.includes(`outputs / '${output}'`))
  assert.doesNotMatch(code, /https?:\/\/|['"]\/(?:tmp|home|root|work)\b|pip install/)
})

test('no line of code in the example is too wide to be read on the result page', async () => {
  for (const cell of codeOf(await readNotebook())) {
    for (const line of sourceOf(cell).split('\n')) assert.ok(line.length <= 120, `${cell.id}: ${line}`)
  }
})

test('the template stays below 60 kB', async () => {
  const files = await readTemplate()
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  assert.ok(bytes < 60_000, `${bytes} bytes`)
})

test('the template loads nothing from anywhere', async () => {
  for (const [name, text] of await readTemplate()) {
    assert.doesNotMatch(text, /https?:\/\//, `${name} names an address`)
    assert.doesNotMatch(text, /@import|url\(|<script|<link|mathjax\(|require_js_url/i, `${name} loads a resource`)
  }
})

test('a result page forbids itself every request', async () => {
  const page = (await readTemplate()).get('index.html.j2') ?? ''
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /connect-src|https?:|\*/)
})

test('the page includes every style sheet of the template, and each one exists', async () => {
  const files = await readTemplate()
  assert.match(files.get('index.html.j2') ?? '', /<style>\n\{\{ resources\.style \}\}\n<\/style>/)
  const exporter = await readFile(new URL('../../runner/render/exporter.py', import.meta.url), 'utf8')
  const [, names = ''] = /^_STYLES = \(([^)]*)\)/m.exec(exporter) ?? []
  const included = [...names.matchAll(/"([^"]+)"/g)].map((match) => match[1])
  const sheets = [...files.keys()].filter((name) => name.endsWith('.css'))
  assert.deepEqual(included.toSorted(), sheets.toSorted())
})
