/** Which segments are compacted: a decision without a database. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { planCompaction } from '../../server/stores/telemetry/compaction-plan.ts'
import type { Segment } from '../../server/stores/telemetry/segments.ts'

let made = 0
/** A segment of some devices and times; a thousand rows unless said otherwise. */
const segment = (toSeq: number, devices: [string, string], times: [number, number], rows = 1000): Segment => ({
  id: `s${++made}`,
  applicationId: 'a',
  toSeq,
  devices: devices.length,
  firstDevice: devices[0],
  lastDevice: devices[1],
  minTs: times[0],
  maxTs: times[1],
  rows,
  bytes: rows,
  columns: [{ attribute: 't', kind: 'number', whole: false }],
  forgottenTo: 0,
})
test('runs of like size are merged, newest first, and a much larger one is left', () => {
  const [big, ...small] = [
    segment(1, ['a', 'z'], [0, 9], 100_000),
    ...[2, 3, 4, 5].map((seq) => segment(seq, ['a', 'z'], [0, 9])),
  ]
  assert.deepEqual(
    planCompaction([big, ...small])?.map(({ toSeq }) => toSeq),
    [5, 4, 3, 2],
  )
  assert.equal(planCompaction([big, ...small.slice(1)]), undefined)
})

test('a full run is passed over, unless it or what is behind it meets what is merged', () => {
  const full = segment(3, ['a', 'z'], [100, 199], 1000)
  const newer = [4, 5].map((seq) => segment(seq, ['a', 'z'], [200, 299]))
  const limits = { fewest: 3, fullRows: 1000 }
  const of = (rows: number, times: [number, number], seq: number) => segment(seq, ['a', 'z'], times, rows)
  const small = newer.map((one) => ({ ...one, rows: 900 }))
  // What is older and lies elsewhere joins them across the full run.
  assert.deepEqual(
    planCompaction([of(900, [0, 99], 2), full, ...small], limits)?.map(({ toSeq }) => toSeq),
    [5, 4, 2],
  )
  // What is older and meets the full run must not get a rank above it.
  assert.equal(planCompaction([of(900, [50, 150], 2), full, ...small], limits), undefined)
})
