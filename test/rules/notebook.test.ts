/**
 * Which uploaded files are notebooks, what is said about the others, and what survives reading and writing.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { AppError } from '../../server/ground/errors.ts'
import { NOTEBOOK_LIMITS, parseNotebook, serializeNotebook } from '../../server/kernel/notebook.ts'

const code = (source: unknown, more = {}) => ({ cell_type: 'code', metadata: {}, source, outputs: [], ...more })
const file = (cells: unknown, more = {}) => ({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells, ...more })
const parse = (value: unknown) => parseNotebook(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))

const refusals: [string, unknown, RegExp][] = [
  ['text that is not JSON', 'print(1)', /^The notebook must be JSON text: /],
  ['nothing', '', /must be JSON text/],
  ['a name given twice', '{"cells":[{"source":"a","source":"b"}]}', /^The notebook\.cells\.0\.source is given twice$/],
  ['a list', '[]', /not a JSON object/],
  ['no version', {}, /does not say its nbformat/],
  ['version 3', { nbformat: 3, worksheets: [] }, /is nbformat 3; open it in Jupyter and save it as version 4/],
  ['version 5', file([], { nbformat: 5 }), /only version 4/],
  ['no cells', file(undefined), /no list of cells/],
  ['a cell that is a text', file(['print(1)']), /Cell 1 .* not an object/],
  [
    'an unknown cell type',
    file([code(''), { cell_type: 'heading', source: '' }]),
    /Cell 2 has the unknown type "heading"/,
  ],
  ['a source that is a number', file([code(5)]), /source of cell 1/],
  ['an unknown output type', file([code('', { outputs: [{ output_type: 'pyout' }] })]), /unknown type "pyout"/],
  [
    'another language',
    file([], { metadata: { kernelspec: { name: 'ir', language: 'R' } } }),
    /written in R; what can run here is Python/,
  ],
  [
    'deep nesting',
    `{"a":${'['.repeat(200)}${']'.repeat(200)}}`,
    /^The notebook\.a(\.0){99} is nested more than 100 levels deep$/,
  ],
]
for (const [what, value, message] of refusals) {
  test(`${what} is refused with a sentence that says so`, () => {
    assert.throws(
      () => parse(value),
      (error) => error instanceof AppError && error.kind === 'invalid' && message.test(error.message),
    )
  })
}

test('a notebook that is too large is refused before it is read', () => {
  const limits = { ...NOTEBOOK_LIMITS, maxBytes: 10 }
  assert.throws(() => parseNotebook(Buffer.from('{ not even JSON'), limits), { kind: 'invalid' })
  assert.throws(
    () => parseNotebook(Buffer.from(JSON.stringify(file([code(''), code('')]))), { ...NOTEBOOK_LIMITS, maxCells: 1 }),
    {
      kind: 'invalid',
    },
  )
})

test('lines are joined, ids are made where they lack or repeat, and are the same each time', () => {
  const given = file([code(['a\n', 'b'], { id: 'x' }), code('', { id: 'x' }), { cell_type: 'markdown', source: 'm' }], {
    nbformat_minor: 2,
  })
  const notebook = parse(given)
  assert.equal(notebook.nbformat_minor, 5)
  assert.equal(notebook.cells[0]?.source, 'a\nb')
  const ids = notebook.cells.map((cell) => cell.id)
  assert.equal(ids[0], 'x')
  assert.equal(new Set(ids).size, 3)
  assert.deepEqual(parse(given), notebook)
})

test('what is parsed is written and parsed again without a difference', () => {
  const outputs = [
    { output_type: 'stream', name: 'stderr', text: ['a', 'b'] },
    { output_type: 'display_data', data: { 'text/html': '<b>' }, metadata: { x: 1 } },
    { output_type: 'execute_result', data: {}, metadata: {}, execution_count: 3 },
    { output_type: 'error', ename: 'E', evalue: 'v', traceback: ['t'] },
  ]
  const notebook = parse(
    file([code('x', { outputs, execution_count: 3 }), { cell_type: 'raw', source: '', attachments: { a: {} } }]),
  )
  assert.deepEqual(parse(serializeNotebook(notebook)), notebook)
})

test('a notebook without a language is taken for Python, and keys like __proto__ stay data', () => {
  const notebook = parse('{"nbformat":4,"metadata":{"__proto__":{"polluted":1}},"cells":[]}')
  assert.equal(Object.hasOwn(notebook.metadata, '__proto__'), true)
  assert.equal(Reflect.get({}, 'polluted'), undefined)
  for (const language of ['python', 'python3', 'ipython'])
    parse(file([], { metadata: { language_info: { name: language } } }))
})
