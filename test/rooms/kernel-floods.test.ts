/** Notebooks that are large, or say a lot, in a forked kernel: nothing is lost below the limits, and above them both ends stay. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { OUTPUT_LIMITS } from '../../server/kernel/ledger.ts'
import { parseNotebook } from '../../server/kernel/notebook.ts'
import { openForkedKernels, runNotebook, runSources, stdoutOf } from '../support/notebook-run.ts'

const forked = await openForkedKernels()
after(() => forked[Symbol.asyncDispose]())
const { kernels } = forked

test('a million prints come whole and in order', async () => {
  const { outcome, printed } = await runSources(['for i in range(1_000_000): print(i)'], { kernels })
  assert.deepEqual(outcome, { kind: 'finished' })
  const expected = Array.from({ length: 1_000_000 }, (_, line) => `${line}\n`).join('')
  assert.ok(printed === expected, 'the text is not what was printed') // no difference of megabytes in the report
})

test('of a line of 200 MB the beginning and the end are kept', async () => {
  const { outcome, cells } = await runSources(['print("begin" + "x" * 200_000_000 + "end")'], { kernels })
  assert.deepEqual(outcome, { kind: 'finished' })
  const [head, marker, tail] = (cells[0]?.outputs ?? []).map((output) => ('text' in output ? output.text : ''))
  assert.match(head?.slice(0, 10) ?? '', /^beginx+$/)
  assert.match(tail?.slice(-10) ?? '', /^x+end\n$/)
  assert.match(marker ?? '', /^\[18\d(\.\d)? MB were left out here/)
  assert.ok(Buffer.byteLength(JSON.stringify(cells[0])) <= OUTPUT_LIMITS.cellBytes)
})

test('five thousand cells run in one namespace', async () => {
  const sources = Array.from({ length: 5000 }, (_, index) => `x = ${index}${index % 100 === 99 ? '\nx' : ''}`)
  const { outcome, cells } = await runSources(sources, { kernels })
  assert.deepEqual(outcome, { kind: 'finished' })
  const shown = cells.flatMap((cell) => cell.outputs).map((output) => 'data' in output && output.data['text/plain'])
  assert.deepEqual(
    shown,
    Array.from({ length: 50 }, (_, index) => String(index * 100 + 99)),
  )
})

test('a cell with a source of 5 MB runs', async () => {
  const { outcome, printed } = await runSources([`text = "${'x'.repeat(5_000_000)}"\nprint(len(text))`], { kernels })
  assert.deepEqual(outcome, { kind: 'finished' })
  assert.equal(printed, '5000000\n')
})

test('a display that is updated again and again holds its last state', async () => {
  const source = [
    'from IPython.display import display',
    'handle = display(0, display_id=True)',
    'for step in range(1, 20_001): handle.update(step)',
  ].join('\n')
  const { outcome, cells } = await runSources([source], { kernels })
  assert.deepEqual(outcome, { kind: 'finished' })
  assert.deepEqual(cells[0]?.outputs, [{ output_type: 'display_data', data: { 'text/plain': '20000' }, metadata: {} }])
})

test('bundles of ten thousand types are kept, one of a thousand levels and a picture over the limit are not', async () => {
  const { outcome, cells } = await runSources(
    [
      'from IPython.display import display\ndisplay({f"text/t{n}": "v" for n in range(10_000)}, raw=True)',
      'deep = []\nfor _ in range(900): deep = [deep]\ndisplay({"application/json": deep, "text/plain": "deep"}, raw=True)\nprint("goes on")',
      'display({"image/png": "A" * 60_000_000}, raw=True)\nprint("goes on")',
    ],
    { kernels },
  )
  assert.deepEqual(outcome, { kind: 'finished' })
  const [types, deep, picture] = cells
  assert.equal(Object.keys(types?.outputs[0] && 'data' in types.outputs[0] ? types.outputs[0].data : {}).length, 10_000)
  assert.equal(deep && stdoutOf(deep), 'goes on\n')
  assert.match(JSON.stringify(picture?.outputs), /^\[\{[^{]*57\.2 MB were left out here[^{]*\},\{[^{]*goes on/)
})

test('a notebook of 30 MB with the outputs of its author is read and run', async () => {
  const output = { output_type: 'stream', name: 'stdout', text: 'x'.repeat(3_000_000) }
  const cells = Array.from({ length: 10 }, (_, index) => ({
    cell_type: 'code',
    metadata: {},
    source: `print(${index})`,
    outputs: [output],
  }))
  const notebook = parseNotebook(Buffer.from(JSON.stringify({ nbformat: 4, nbformat_minor: 4, metadata: {}, cells })))
  const { printed } = await runNotebook(notebook, { kernels })
  assert.equal(printed, Array.from({ length: 10 }, (_, index) => `${index}\n`).join(''))
})
