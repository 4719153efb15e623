/** Which runs count as lost, from looks at the queue: locks that are free, leases that nobody renews, clocks that jump. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeldElsewhere } from '../../server/executions/leases.ts'
import { findLost, type Sightings } from '../../server/executions/lost.ts'

const LIMITS = { absentMs: 500, leaseMs: 15_000 }
const RUN: HeldElsewhere = { id: 'a', attempt: 1, lease: '12:00:15', isOver: false, isAttended: true }

/** Looks at these moments, each seeing the run with these changes, and gives the moments at which it counted as lost. */
function lostAt(...looks: [nowMs: number, change: Partial<HeldElsewhere>][]): number[] {
  let seen: Sightings = new Map()
  return looks.flatMap(([nowMs, change]) => {
    const found = findLost(seen, [{ ...RUN, ...change }], nowMs, LIMITS)
    seen = found.seen
    return found.lost.length > 0 ? [nowMs] : []
  })
}

const absent = { isAttended: false }
const over = { isOver: true }

test('a worker without its lock is lost when it stays away, however long its lease is', () => {
  assert.deepEqual(lostAt([0, absent], [300, absent], [600, absent]), [600])
})

test('a worker that takes its lock again in time loses nothing, and later starts from the beginning', () => {
  assert.deepEqual(lostAt([0, absent], [300, {}], [600, absent], [900, absent]), [])
})

test('a lease that nobody renews is lost after its time, by the clock of the one who looks', () => {
  assert.deepEqual(lostAt([0, {}], [14_900, {}], [15_000, {}]), [15_000])
})

test('a lease that is over is not lost before a living worker would have renewed it', () => {
  assert.deepEqual(lostAt([0, over], [4900, over], [5000, over]), [5000])
})

test('a clock set forward takes nothing from a worker that goes on renewing', () => {
  assert.deepEqual(lostAt([0, {}], [300, over], [4800, over], [5100, { lease: '13:00:20' }], [9900, {}]), [])
})

test('a clock set back keeps a dead worker no longer than one lease', () => {
  const far = { lease: '14:00:00' }
  assert.deepEqual(lostAt([0, far], [14_000, far], [15_100, far]), [15_100])
})

test('a new attempt is a new run: what was seen of the former one does not count', () => {
  assert.deepEqual(lostAt([0, absent], [600, { ...absent, attempt: 2 }]), [])
})

test('each run is judged by itself', () => {
  const runs = [RUN, { ...RUN, id: 'b', isAttended: false }]
  const { seen } = findLost(new Map(), runs, 0, LIMITS)
  assert.deepEqual(
    findLost(seen, runs, 600, LIMITS).lost.map(({ id }) => id),
    ['b'],
  )
})
