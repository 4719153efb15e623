/** Ranges of time as callers write them, as tables: what is meant, and what is refused. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { bodyBounds, boundsOf, rangeOf } from '../../server/catalog/time-range.ts'

const NOW = new Date('2026-03-01T12:00:00.000Z')
const T = NOW.getTime()

const TEXTS: [{ start?: string; end?: string }, number | undefined, number | undefined][] = [
  [{}, undefined, undefined],
  [{ start: '', end: '' }, undefined, undefined],
  [{ start: '1', end: '0' }, undefined, T + 1],
  [{ start: '0' }, T, undefined],
  [{ start: '-1000', end: '-1' }, T - 1000, T],
  [{ start: String(T - 5), end: String(T) }, T - 5, T + 1],
  [{ start: '2026-03-01T11:59:59Z', end: '2026-03-01T13:00:00+01:00' }, T - 1000, T + 1],
]
test('query parameters include their end, 0 is now, 1 the beginning, what is negative counts from now', () => {
  for (const [query, from, to] of TEXTS) assert.deepEqual(boundsOf(query, NOW), { from, to }, JSON.stringify(query))
})

const NUMBERS: [{ start?: number; end?: number }, number | undefined, number][] = [
  [{}, undefined, T],
  [{ start: 1, end: 0 }, undefined, T],
  [{ start: -1000, end: -1 }, T - 1000, T - 1],
  [{ start: -1000.5, end: -0.5 }, T - 1000, T],
  [{ start: 2, end: 3 }, 2, 3],
  [{ start: T - 5, end: T + 5 }, T - 5, T + 5],
  [{ start: -2 * T, end: -T }, -T, 0],
]
test('numbers in a body leave their end out', () => {
  for (const [body, from, to] of NUMBERS) {
    assert.deepEqual(bodyBounds(body, NOW, 'query'), { from, to }, JSON.stringify(body))
  }
})

const REFUSED: [() => unknown, RegExp][] = [
  [() => boundsOf({ start: 'soon' }, NOW), /^start must be a time/],
  [() => boundsOf({ end: 'soon' }, NOW), /^end must be a time/],
  [() => rangeOf({ since: 'soon' }, NOW), /^since must be a time/],
  [() => rangeOf({ duration: '1.5' }, NOW), /^duration must be a whole number/],
  [() => rangeOf({ duration: '-1' }, NOW), /^duration must be a whole number/],
  [() => rangeOf({ duration: '1e16' }, NOW), /^duration must be a whole number/],
  [() => bodyBounds({ start: 0 }, NOW, 'query'), /^query\.end must be after query\.start$/],
  [() => bodyBounds({ start: 5, end: 4 }, NOW, 'options'), /^options\.end must be after options\.start$/],
  [() => bodyBounds({ end: 1e18 }, NOW, 'query'), /^query\.end must be a time within ten thousand years$/],
  [() => bodyBounds({ start: -1e300 }, NOW, 'query'), /^query\.start must be a time within ten thousand years$/],
]
test('what is no time, or a range that holds nothing, is refused by its name', () => {
  for (const [read, message] of REFUSED) assert.throws(read, { kind: 'invalid', message })
})

test('a list is the newest one, unless a limit up to 1,000, a direction and a range are given', () => {
  const range = { from: undefined, to: undefined, newestFirst: true, limit: 1 }
  assert.deepEqual(rangeOf({}, NOW), range)
  assert.deepEqual(rangeOf({ limit: '5', sortDirection: 'ASC' }, NOW), { ...range, limit: 5, newestFirst: false })
  assert.deepEqual(rangeOf({ limit: '5000', sortDirection: '' }, NOW), { ...range, limit: 1000 })
  assert.deepEqual(rangeOf({ limit: '0' }, NOW), range)
  assert.deepEqual(rangeOf({ limit: 'many' }, NOW), range)
  assert.deepEqual(rangeOf({ duration: '1000' }, NOW), { ...range, from: T - 1000 })
  assert.deepEqual(rangeOf({ duration: '1000', end: '-500' }, NOW), { ...range, from: T - 1500, to: T - 499 })
  assert.deepEqual(rangeOf({ since: '-7', start: '-9', duration: '1' }, NOW), { ...range, from: T - 7 })
})
