/** Why executions end: the name of a cause, what is known of it, and that all of it can be stored. */

import assert from 'node:assert/strict'
import test from 'node:test'
import {
  CAUSES,
  cellRaised,
  cellTimeout,
  inputFailed,
  kernelDied,
  silent,
  told,
} from '../../server/executions/causes.ts'

const PLACE = { cellNumber: 2, cellIndex: 4 }
const raised = (ename: string, evalue: string) => cellRaised({ ...PLACE, ename, evalue, traceback: ['a', 'b'] })

const endings: [string, string, string][] = [
  ['ValueError', 'no', 'CellError'],
  ['OSError', '[Errno 28] No space left on device', 'DiskQuota'],
  ['OSError', "[Errno 28] No space left on device: '/out/a'", 'DiskQuota'],
  ['OSError', '[Errno 27] File too large', 'DiskQuota'],
  ['OSError', '[Errno 122] Disk quota exceeded', 'DiskQuota'],
  ['FileNotFoundError', '[Errno 2] No such file or directory', 'CellError'],
  ['OSError', '[Errno 281] nothing', 'CellError'],
  ['MemoryError', '', 'OutOfMemory'],
  ['_ArrayMemoryError', 'Unable to allocate 7.28 TiB', 'OutOfMemory'],
  ['SystemExit', '1', 'CellError'],
]
for (const [ename, evalue, name] of endings) {
  test(`a cell that raised ${ename}: ${evalue} ended by ${name}`, () => {
    const failure = raised(ename, evalue)
    assert.deepEqual(
      [failure.name, failure.ename, failure.evalue, failure.cellNumber, failure.cellIndex],
      [name, ename, evalue, 2, 4],
    )
    assert.ok(failure.message.startsWith(`Cell [2] (cell 5 of the notebook) raised ${ename}: ${evalue}`))
  })
}

test('a cause says where it happened and to what', () => {
  assert.deepEqual(cellTimeout(PLACE, 1.5), {
    name: 'CellTimeout',
    message: 'Cell [2] (cell 5 of the notebook): it ran longer than the 1.5 seconds a cell may',
    ...PLACE,
  })
  assert.match(silent(PLACE, 10).message, /the kernel sent nothing for 10 seconds$/)
  assert.match(kernelDied(PLACE, 'exit code 3').message, /ended with exit code 3$/)
  assert.deepEqual(inputFailed('a.csv', 'deviceData', 'no').input, 'a.csv')
})

test('every limit of time leads to timeout, and no other cause does', () => {
  const timeouts = Object.entries(CAUSES).flatMap(([name, status]) => (status === 'timeout' ? [name] : []))
  assert.deepEqual(timeouts, ['CellTimeout', 'RunTimeout', 'Silent'])
})

test('what is stored is bounded, and holds nothing a database refuses', () => {
  const bad = `\u0000\ud800${'x'.repeat(50_000)}`
  const stored = told(cellRaised({ ...PLACE, ename: bad, evalue: bad, traceback: Array(1000).fill(bad) }))
  const text = JSON.stringify(stored)
  assert.ok(text.length < 100_000, `${text.length}`)
  assert.ok(!text.includes('\\u0000') && !text.includes('\\ud800'))
  assert.deepEqual([stored.cellNumber, stored.name], [2, 'CellError'])
  const lines = told(cellRaised({ ...PLACE, ename: 'E', evalue: '', traceback: ['first', 'last'] })).traceback
  assert.deepEqual(lines, ['first', 'last'])
})
