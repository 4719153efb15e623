/** When a cell has taken too long: a table of moments, and that the first cause wins. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { overdueAt, type TimeLimits, watchCell } from '../../server/kernel/overdue.ts'

const cell = { cause: 'CellTimeout', limitMs: 100 }
const silent = { cause: 'Silent', limitMs: 30 }

const moments: [string, TimeLimits, [number, number, number], unknown][] = [
  ['without limits nothing is due', {}, [0, 0, 1e9], undefined],
  ['a cell has its whole time', { cellMs: 100 }, [0, 0, 99], { dueInMs: 1 }],
  ['and not more', { cellMs: 100 }, [0, 99, 100], cell],
  ['silence counts from the last word', { silenceMs: 30 }, [0, 80, 100], { dueInMs: 10 }],
  ['which may be long ago', { silenceMs: 30 }, [0, 70, 100], silent],
  ['of two limits the next one is waited for', { cellMs: 100, silenceMs: 30 }, [0, 90, 95], { dueInMs: 5 }],
  ['of two that have passed the earlier one counts', { cellMs: 100, silenceMs: 30 }, [0, 10, 500], silent],
  ['whichever that is', { cellMs: 100, silenceMs: 30 }, [0, 90, 500], cell],
]
for (const [what, limits, [startedMs, heardMs, nowMs], expected] of moments) {
  test(`time limits: ${what}`, () => assert.deepEqual(overdueAt(limits, { startedMs, heardMs, nowMs }), expected))
}

test('a cell that is over its time is told once, and not at all when the run was stopped before', () => {
  const told: unknown[] = []
  using watch = watchCell({ cellMs: 0 }, (overdue) => told.push(overdue), undefined)
  assert.deepEqual(told, [{ cause: 'CellTimeout', limitMs: 0 }])
  assert.equal(watch.overdue(), told[0])
  using stopped = watchCell({ cellMs: 0 }, (overdue) => told.push(overdue), AbortSignal.abort())
  assert.equal(stopped.overdue(), undefined)
  assert.equal(told.length, 1)
})
