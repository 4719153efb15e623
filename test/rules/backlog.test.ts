/** What waits to be told of a run: numbered, joined, and bounded, however much a notebook shows. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { BACKLOG_LIMITS, createBacklog, finalEventId, type LiveEvent } from '../../server/executions/backlog.ts'

const stream = (text: string, name: 'stdout' | 'stderr' = 'stdout', cellNumber = 1): LiveEvent => ({
  kind: 'stream',
  cellNumber,
  name,
  text,
})
const cell = (cellNumber: number, state: 'running' | 'done'): LiveEvent => ({
  kind: 'cell',
  cellNumber,
  cells: 3,
  cellIndex: cellNumber - 1,
  state,
})
const update = (displayId: string, text: string): LiveEvent => ({
  kind: 'update',
  displayId,
  data: { 'text/plain': text },
  metadata: {},
})
const dataOf = (backlog: ReturnType<typeof createBacklog>) =>
  backlog.unwritten().map(({ kind, data }) => ({ kind, ...JSON.parse(data) }))
const textsOf = (backlog: ReturnType<typeof createBacklog>) => dataOf(backlog).map(({ text }) => text)

test('texts that follow each other become one, another stream or another cell begins a new one', () => {
  const backlog = createBacklog(1)
  for (const event of [stream('a'), stream('b'), stream('c', 'stderr'), stream('d'), stream('e', 'stdout', 2)]) {
    backlog.add(event)
  }
  assert.deepEqual(textsOf(backlog), ['ab', 'c', 'd', 'e'])
})

test('nothing is joined to what was taken, and it stays until it is known to be written', () => {
  const backlog = createBacklog(2)
  backlog.add(stream('a'))
  const [first] = backlog.unwritten()
  backlog.add(stream('b'))
  assert.deepEqual(textsOf(backlog), ['a', 'b'])
  assert.deepEqual(
    backlog.unwritten().map(({ id }) => id),
    [2_000_000, 2_000_001],
  )
  backlog.written(first?.id ?? 0)
  assert.deepEqual(textsOf(backlog), ['b'])
})

test('ids grow over the attempts, and the end comes after everything', () => {
  const [one, two] = [createBacklog(1), createBacklog(2)]
  one.add(cell(1, 'running'))
  two.add(cell(1, 'running'))
  const [[first], [second]] = [one.unwritten(), two.unwritten()]
  assert.ok(first && second)
  assert.ok(first.id < finalEventId(1) && finalEventId(1) < second.id && second.id < finalEventId(2))
})

test('a long text is told in pieces that give the whole again', () => {
  const backlog = createBacklog(1)
  const text = 'x'.repeat(100_000)
  backlog.add(stream(text))
  assert.equal(textsOf(backlog).join(''), text)
  assert.ok(backlog.unwritten().every(({ data }) => data.length < 20_000))
})

test('a million lines are a few hundred events, and after the limit only cells, phases and errors are told', () => {
  const backlog = createBacklog(1)
  for (let line = 0; line < 1_000_000; line += 1) backlog.add(stream(`line ${line}\n`))
  backlog.add(cell(1, 'done'))
  backlog.add(stream('no more'))
  backlog.add(update('a', 'nor this'))
  backlog.add({ kind: 'cellError', cellNumber: 2, ename: 'E', evalue: '', traceback: [] })
  const told = dataOf(backlog)
  const bytes = told.reduce((sum, { text = '' }) => sum + text.length, 0)
  assert.ok(told.length < 500 && bytes <= BACKLOG_LIMITS.maxBytes, `${told.length} events, ${bytes} bytes`)
  assert.deepEqual(
    told.slice(-3).map(({ kind }) => kind),
    ['truncated', 'cell', 'cellError'],
  )
})

test('so are a million clears', () => {
  const backlog = createBacklog(1)
  for (let count = 0; count < 1_000_000; count += 1) backlog.add({ kind: 'clear', cellNumber: 1, wait: true })
  assert.equal(backlog.unwritten().length, BACKLOG_LIMITS.maxEvents + 1)
})

test('of a display that changes a million times between two batches the last is told', () => {
  const backlog = createBacklog(1)
  for (let count = 0; count < 1_000_000; count += 1) backlog.add(update('bar', `${count}`))
  backlog.add(update('other', 'x'))
  assert.deepEqual(
    dataOf(backlog).map(({ data }) => data['text/plain']),
    ['999999', 'x'],
  )
  backlog.add(update('bar', 'next'))
  assert.equal(backlog.unwritten().length, 3)
})

test('a display that is too large is told as a note of its size', () => {
  const backlog = createBacklog(1)
  const data = { 'image/png': 'x'.repeat(300_000), 'text/plain': '<Figure>' }
  backlog.add({ kind: 'display', cellNumber: 1, displayId: 'd', data, metadata: {} })
  const [told] = dataOf(backlog)
  assert.deepEqual(told, {
    kind: 'display',
    cellNumber: 1,
    displayId: 'd',
    data: { 'text/plain': '[A display of 300008 bytes is not told live; result.ipynb has it]' },
    metadata: {},
  })
})

test('any text a kernel can send gives valid JSON on one line', () => {
  const backlog = createBacklog(1)
  backlog.add(stream('\u0000\n\r\u2028 \ud800 \ud83d\ude00'))
  const [event] = backlog.unwritten()
  assert.ok(event && !/[\n\r]/.test(event.data) && !event.data.includes('\u0000') && event.data.isWellFormed())
  assert.equal(JSON.parse(event.data).text, '\u0000\n\r\u2028 \ud800 \ud83d\ude00')
})
