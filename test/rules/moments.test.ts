/** Moments as callers write them, and bounds of time ranges. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { TimeFormats } from '../../contract/shapes.ts'
import { boundOf, parseMoment } from '../../server/ground/moments.ts'

const NOW = new Date('2026-03-01T12:00:00Z')

const understood: [TimeFormats, string][] = [
  ['2026-02-28T23:59:59.999Z', '2026-02-28T23:59:59.999Z'],
  ['2026-02-28T23:59:59+05:30', '2026-02-28T18:29:59.000Z'],
  ['  2026-02-28  ', '2026-02-28T00:00:00.000Z'],
  [1_570_549_199_451, '2019-10-08T15:39:59.451Z'],
  ['1570549199451', '2019-10-08T15:39:59.451Z'],
  [' 1570549199451 ', '2019-10-08T15:39:59.451Z'],
  [1_570_549_199, '2019-10-08T15:39:59.000Z'],
  ['1570549199', '2019-10-08T15:39:59.000Z'],
  [99_999_999_999, '5138-11-16T09:46:39.000Z'],
  [100_000_000_000, '1973-03-03T09:46:40.000Z'],
  [0, '1970-01-01T00:00:00.000Z'],
  [1.0006, '1970-01-01T00:00:01.001Z'],
  [-1, '2026-03-01T11:59:59.999Z'],
  ['-86400000', '2026-02-28T12:00:00.000Z'],
  [{ $date: '2026-02-28T00:00:00Z' }, '2026-02-28T00:00:00.000Z'],
  [{ $date: '1570549199451' }, '2019-10-08T15:39:59.451Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
]
test('a moment is ISO text, milliseconds, seconds, an offset before now, or a $date of those', () => {
  for (const [value, expected] of understood) {
    assert.equal(parseMoment(value, NOW)?.toISOString(), expected, JSON.stringify(value))
  }
})

const none: TimeFormats[] = [
  '',
  ' ',
  'yesterday',
  '2026-02-30T25:00:00Z',
  'NaN',
  'Infinity',
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  253_402_300_800_000,
  8.64e15,
  '+010000-01-01T00:00:00Z',
  '0000-12-31T23:59:59Z',
  -1e300,
  '1e400',
  { $date: '' },
  { $date: 'never' },
]
test('what is no moment is undefined, never an invalid date', () => {
  for (const value of none) assert.equal(parseMoment(value, NOW), undefined, JSON.stringify(value))
})

test('a bound of zero or less counts from the base, a positive one is a moment of its own', () => {
  assert.equal(boundOf(0, NOW), NOW.getTime())
  assert.equal(boundOf(-60_000, NOW), NOW.getTime() - 60_000)
  assert.equal(boundOf(1, NOW), 1)
  assert.equal(boundOf(1_570_549_199_451, NOW), 1_570_549_199_451)
})
