/**
 * What is kept when a notebook says too much: the beginning and the end of a cell and of a run, a marker between them that
 * tells how much was left out, at a cost that grows with what came and not with its square.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Area, OUTPUT_LIMITS, type OutputLimits } from '../../server/kernel/ledger.ts'
import { createLog } from '../../server/kernel/log.ts'
import type { CodeCell, Output } from '../../server/kernel/notebook.ts'
import { Outputs } from '../../server/kernel/outputs.ts'
import type { Message } from '../../server/kernel/wire.ts'
import { display, makeCell, message, print } from '../support/kernel-messages.ts'

const raise = (ename: string) => message('error', { ename, evalue: '', traceback: [] })

const limitsOf = (limits: Partial<OutputLimits>): OutputLimits => ({ ...OUTPUT_LIMITS, ...limits })
const textOf = (output: Output | undefined) =>
  output?.output_type === 'stream' ? output.text : output && 'data' in output ? String(output.data['text/plain']) : ''
const texts = (area: Area) => area.outputs.map(textOf)
const bytesOf = (area: Area) => Buffer.byteLength(JSON.stringify(area.outputs))

function after(messages: Iterable<Message>, limits: Partial<OutputLimits>): CodeCell {
  const cell = makeCell(1)
  const outputs = new Outputs(limitsOf(limits))
  for (const each of messages) outputs.apply(cell, each, 1)
  return cell
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => print(`line ${index}\n`))

test('of one long stream the beginning and the end stay, and the bytes add up', () => {
  const sent = lines(10_000)
  const total = sent.reduce((sum, { content }) => sum + String(content['text']).length, 0)
  const cell = after(sent, { cellBytes: 10_000 })
  const [head = '', marker = '', tail = '', ...more] = texts(cell)
  assert.deepEqual(more, [])
  assert.match(head, /^line 0\nline 1\n/)
  assert.match(tail, /line 9998\nline 9999\n$/)
  const [, kilobytes] =
    /^\[([\d.]+) KB were left out here: at most 9.8 KB or 10000 outputs of a cell/.exec(marker) ?? []
  assert.ok(Math.abs(Number(kilobytes) * 1024 - (total - head.length - tail.length)) < 60)
  assert.ok(head.length > 4000 && head.length <= 5000 && tail.length > 3000 && head.length + tail.length <= 10_000)
})

test('of many displays the first and the last stay, and the marker counts the others', () => {
  const cell = after(
    Array.from({ length: 1000 }, (_, index) => display(String(index))),
    { cellOutputs: 20 },
  )
  const shown = texts(cell)
  assert.deepEqual(shown.slice(0, 10), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  assert.match(shown[10] ?? '', /in 9\d\d outputs were left out here/)
  assert.equal(shown.at(-1), '999')
  assert.ok(shown.length <= 21)
})

test('a single output that is larger than what fits is left out by itself', () => {
  const cell = after([display('small'), display('x'.repeat(20_000)), display('last')], { cellBytes: 10_000 })
  const [first, marker, last, ...more] = texts(cell)
  assert.deepEqual([first, last, more], ['small', 'last', []])
  assert.match(marker ?? '', /19\.\d KB/)
})

test('an output that just fits is kept whole', () => {
  const cell = after([display('x'.repeat(9_000))], { cellBytes: 10_000 })
  assert.deepEqual(texts(cell), ['x'.repeat(9_000)])
})

test('the error that ended a cell is there after the longest output', () => {
  const cell = after([...lines(5000), raise('ValueError')], { cellBytes: 2000 })
  assert.deepEqual(cell.outputs.at(-1), { output_type: 'error', ename: 'ValueError', evalue: '', traceback: [] })
  assert.deepEqual(
    cell.outputs.map((output) => output.output_type),
    ['stream', 'stream', 'stream', 'error'],
  )
})

test('an error stays that alone is more than a cell may hold', () => {
  const long = message('error', { ename: 'ValueError', evalue: 'v'.repeat(5000), traceback: [] })
  const cell = after([...lines(5000), long], { cellBytes: 2000 })
  assert.equal(cell.outputs.at(-1)?.output_type, 'error')
})

test('a picture that reaches beyond the half of a cell is its beginning', () => {
  const cell = after([display('x'.repeat(1200)), ...lines(5000)], { cellBytes: 2000 })
  assert.equal(textOf(cell.outputs[0]), 'x'.repeat(1200))
  assert.match(textOf(cell.outputs.at(-1)), /line 4999\n$/)
})

test('text is cut between characters, not within', () => {
  const cell = after(
    Array.from({ length: 3000 }, () => print('🎵é')),
    { cellBytes: 1000 },
  )
  assert.ok(texts(cell).every((text) => text.isWellFormed()))
  assert.match(textOf(cell.outputs[0]), /^(🎵é)+🎵?$/u)
})

test('what is cleared counts no longer, and a cleared cell says nothing of what was left out', () => {
  const clear = message('clear_output', { wait: false })
  assert.deepEqual(texts(after([...lines(5000), clear, print('new')], { cellBytes: 2000 })), ['new'])
})

test('an hour of progress counts as the line it leaves', () => {
  const bar = Array.from({ length: 2000 }, (_, index) => print(`\r${index}/2000`))
  assert.deepEqual(texts(after(bar, { cellBytes: 200 })), ['1999/2000'])
})

test('a return after a cut rewrites only what is still there', () => {
  const cell = after([...lines(1000), print('10%'), print('\r99%\n')], { cellBytes: 2000 })
  assert.match(textOf(cell.outputs.at(-1)), /line 999\n99%\n$/)
})

test('of a run the first and the last cells stay, and those between say what they had', () => {
  const cells = Array.from({ length: 10 }, makeCell)
  const outputs = new Outputs(limitsOf({ cellBytes: 2000, runBytes: 8000 }))
  for (const [index, cell] of cells.entries()) outputs.apply(cell, print(`${index}${'x'.repeat(1500)}`), 1)
  const kept = cells.map((cell) => texts(cell).join('').slice(0, 1))
  assert.deepEqual(kept, ['0', '1', '[', '[', '[', '[', '[', '7', '8', '9'])
  assert.match(textOf(cells[3]?.outputs[0]), /^\[1\.5 KB were left out here/)
  assert.ok(cells.reduce((sum, cell) => sum + bytesOf(cell), 0) < 10_000)
})

test('a late output of a cell that gave way is kept behind its marker', () => {
  const cells = Array.from({ length: 10 }, makeCell)
  const outputs = new Outputs(limitsOf({ cellBytes: 2000, runBytes: 8000 }))
  for (const cell of cells) outputs.apply(cell, print('x'.repeat(1500)), 1)
  const early = cells[3] ?? makeCell(1)
  outputs.apply(early, print('late\n'), 1)
  assert.match(texts(early).join(''), /^\[1\.5 KB were left out here.*\]\nlate\n$/)
})

test('a cell that speaks now never gives way to its own words', () => {
  const [first, second, third] = [makeCell(1), makeCell(1), makeCell(1)]
  const outputs = new Outputs(limitsOf({ cellBytes: 2000, runBytes: 4000 }))
  outputs.apply(first, print('1'.repeat(1300)), 1)
  outputs.apply(second, print('2'.repeat(1300)), 1)
  outputs.apply(third, print('3'.repeat(1100)), 1)
  outputs.apply(second, print('2'.repeat(400)), 1)
  assert.deepEqual(
    [first, second, third].map((cell) => texts(cell).join('').slice(0, 1)),
    ['1', '2', '['],
  )
  assert.equal(texts(second).join('').length, 1700)
})

test('what was cleared a hundred times leaves the run its room', () => {
  const [first, second] = [makeCell(1), makeCell(1)]
  const outputs = new Outputs(limitsOf({ cellBytes: 2000, runBytes: 4000 }))
  outputs.apply(first, print('1'.repeat(1500)), 1)
  for (let round = 0; round < 100; round++) {
    outputs.apply(second, print('2'.repeat(1500)), 1)
    outputs.apply(second, message('clear_output', { wait: false }), 1)
  }
  assert.deepEqual([texts(first), texts(second)], [['1'.repeat(1500)], []])
})

test('an update of a display that was left out changes nothing, one that is too large leaves a note', () => {
  const cell = after(
    [display('a', 'gone'), ...lines(3000), display('b', 'here'), display('c', 'gone', 'update_display_data')],
    { cellBytes: 2000 },
  )
  assert.equal(textOf(cell.outputs.at(-1)), 'b')
  const large = after([display('a', 'i'), display('x'.repeat(5000), 'i', 'update_display_data')], { cellBytes: 2000 })
  assert.match(textOf(large.outputs[0]), /^\[an update of [\d.]+ KB was left out\]$/)
})

test('the log has the beginning at once and the end at the end, with what was left out between them', () => {
  const written: string[] = []
  const log = createLog(1000, (name, text) => written.push(`${name}:${text}`))
  const place = { cellNumber: 1, cellIndex: 0 }
  for (let index = 0; index < 1000; index++) log.take({ type: 'stream', name: 'stdout', text: `${index}\n`, ...place })
  const atOnce = written.join('').replaceAll('stdout:', '')
  assert.match(atOnce, /^0\n1\n2\n/)
  assert.equal(atOnce.length, 500)
  log.take({ type: 'error', ename: 'E', evalue: '', traceback: ['\u001b[31mthe end\u001b[0m'], ...place })
  log.end()
  assert.match(written.join(''), /\[2\.\d KB were left out here: at most 1000 bytes are kept\]/)
  assert.match(written.join('').replaceAll('stdout:', ''), /998\n999\n.*stderr:the end\n$/s)
})

const floods: [string, (count: number) => Iterable<Message>][] = [
  ['prints without a line end', (count) => repeated(count, () => print('.'))],
  ['long lines', (count) => repeated(count, () => print('x'.repeat(1000)))],
  ['displays', (count) => repeated(count, (index) => display(String(index)))],
  ['streams that take turns', (count) => repeated(count, (index) => print('x', index % 2 ? 'stdout' : 'stderr'))],
  ['displays with ids that are cleared', (count) => repeated(count, clearedDisplay)],
]
for (const [what, make] of floods) {
  test(`a flood of ${what} is bounded, whatever its length`, () => {
    const limits = { cellBytes: 50_000, cellOutputs: 500 }
    const cell = after(make(200_000), limits)
    assert.ok(bytesOf(cell) < 200_000 && cell.outputs.length <= 501)
  })
}

function* repeated(count: number, make: (index: number) => Message): Iterable<Message> {
  for (let index = 0; index < count; index++) yield make(index)
}

function clearedDisplay(index: number): Message {
  return index % 3 === 2 ? message('clear_output', { wait: index % 2 === 0 }) : display('x', String(index))
}
