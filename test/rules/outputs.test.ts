/**
 * Output messages into cell outputs: the rules of notebooks as a table, then terminal control.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OUTPUT_LIMITS } from '../../server/kernel/ledger.ts'
import type { CodeCell } from '../../server/kernel/notebook.ts'
import { Outputs } from '../../server/kernel/outputs.ts'
import { withoutColours, writeToTerminal } from '../../server/kernel/terminal.ts'
import type { Message } from '../../server/kernel/wire.ts'
import { display, makeCell, message, print } from '../support/kernel-messages.ts'

const update = (text: string, id: string) => display(text, id, 'update_display_data')
const clear = (wait: boolean) => message('clear_output', { wait })

/** One cell's outputs after the messages, each as a short text. */
function after(messages: readonly Message[]): string[] {
  const cell = makeCell()
  const outputs = new Outputs(OUTPUT_LIMITS)
  for (const each of messages) outputs.apply(cell, each, 7)
  return short(cell)
}

function short(cell: CodeCell): string[] {
  return cell.outputs.map((output) => {
    if (output.output_type === 'stream') return `${output.name}:${output.text}`
    if (output.output_type === 'error') return `error:${output.ename}`
    return `${output.output_type}:${output.data['text/plain']}`
  })
}

const cases: [string, Message[], string[]][] = [
  ['streams of one name merge', [print('a'), print('b\n'), print('c')], ['stdout:ab\nc']],
  ['streams keep their order', [print('a'), print('b', 'stderr'), print('c')], ['stdout:a', 'stderr:b', 'stdout:c']],
  ['a display parts two streams', [print('a'), display('d'), print('b')], ['stdout:a', 'display_data:d', 'stdout:b']],
  ['a result has the cell’s number', [display('1', undefined, 'execute_result')], ['execute_result:1']],
  ['clear_output clears at once', [print('a'), clear(false)], []],
  ['clear_output(wait) clears at the next output', [print('a'), clear(true), print('b')], ['stdout:b']],
  ['clear_output(wait) without a next output clears nothing', [print('a'), clear(true)], ['stdout:a']],
  ['an update is not an output that clears', [display('a', 'i'), clear(true), update('b', 'i')], ['display_data:b']],
  [
    'an update rewrites every display of its id',
    [display('a', 'i'), display('a', 'i'), update('b', 'i')],
    ['display_data:b', 'display_data:b'],
  ],
  [
    'a display of a known id rewrites the older ones',
    [display('a', 'i'), display('b', 'i')],
    ['display_data:b', 'display_data:b'],
  ],
  ['an update of an unknown id is dropped', [update('b', 'i')], []],
  [
    'an update of a cleared display is dropped',
    [display('a', 'i'), clear(false), update('b', 'i'), print('x')],
    ['stdout:x'],
  ],
  [
    'merging does not lose displays',
    [print('a'), print('b'), display('d', 'i'), update('e', 'i')],
    ['stdout:ab', 'display_data:e'],
  ],
  ['an error is kept', [message('error', { ename: 'E', evalue: 'v', traceback: ['t'] })], ['error:E']],
  ['comms and statuses are no outputs', [message('comm_open', {}), message('status', {}), message('x', {})], []],
  ['progress bars end as one line', [print('10%\r'), print('99%\r'), print('100%\n')], ['stdout:100%\n']],
  ['half a surrogate pair is no text', [print('a\ud800b')], ['stdout:a\ufffdb']],
  ['forged contents read as empty', [message('stream', { text: 5 }), message('error', {})], ['error:']],
]
for (const [name, messages, expected] of cases) {
  test(name, () => assert.deepEqual(after(messages), expected))
}

test('an update reaches into an earlier cell, and nothing transient is stored', () => {
  const [first, second] = [makeCell(), makeCell()]
  const outputs = new Outputs(OUTPUT_LIMITS)
  outputs.apply(first, display('a', 'i'), 1)
  outputs.apply(second, update('b', 'i'), 2)
  assert.deepEqual(first.outputs, [{ output_type: 'display_data', data: { 'text/plain': 'b' }, metadata: {} }])
  assert.deepEqual(second.outputs, [])
})

test('an object under a type that is not JSON is stored as its text, because the format has none there', () => {
  const cell = makeCell()
  const data = { 'application/x-own': { k: 1 }, 'application/x+json': { k: 1 }, 'application/json': [1] }
  new Outputs(OUTPUT_LIMITS).apply(cell, message('display_data', { data }), 1)
  const expected = { ...data, 'application/x-own': '{"k":1}' }
  assert.deepEqual(cell.outputs, [{ output_type: 'display_data', data: expected, metadata: {} }])
})

test('terminal control is resolved as a terminal would', () => {
  const table: [string, string, string][] = [
    ['', 'abc\rx', 'xbc'],
    ['', 'abc\r\ndef', 'abc\ndef'],
    ['line\n50%', '\r100%', 'line\n100%'],
    ['50%\r', '\n', '50%\n'],
    ['ab', '\bc', 'ac'],
    ['a\n', '\b\bc', 'a\nc'],
    ['\u001b[31mlong\u001b[0m', '\rx', 'x'],
    ['x', '\r', 'x\r'],
    ['', 'a\rb\nc\rd\n', 'b\nd\n'],
    ['', 'abc\bd\rxy', 'xyd'],
    ['', '🎵\b.', '.'],
    ['', '\r\r\b\b\r', '\r'],
  ]
  for (const [shown, added, expected] of table) {
    const lineStart = shown.lastIndexOf('\n') + 1
    const { settled, line } = writeToTerminal(shown.slice(lineStart), added)
    assert.equal(shown.slice(0, lineStart) + settled + line, expected)
  }
  const long = 'x'.repeat(100_000)
  assert.deepEqual(writeToTerminal('', long), { settled: long, line: '' }, 'a line of that length is rewritten no more')
  assert.equal(writeToTerminal('', `${long}\rend`).settled, `${long}\rend`)
  assert.equal(withoutColours('\u001b[1;31mred\u001b[0m'), 'red')
})
