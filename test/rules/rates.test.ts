/** Counting requests: so many in a window, each caller by itself, and what several processes counted added up. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Bucket } from '../../server/access/rates.ts'
import { readConfig } from '../../server/ground/config.ts'

const RATE = { limit: 3, windowMs: 10_000 }
const START = 1_700_000_000_000

test('so many pass in a window, each answer says how many are left, and the next window begins anew', () => {
  const bucket = new Bucket('b', RATE)
  const hits = [0, 1, 2, 9000, 9999].map((ms) => bucket.hit('a', START + ms))
  assert.deepEqual(
    hits.map(({ remaining, resetSeconds, isOver }) => [remaining, resetSeconds, isOver]),
    [
      [2, 10, false],
      [1, 10, false],
      [0, 10, false],
      [0, 1, true],
      [0, 1, true],
    ],
  )
  assert.deepEqual(bucket.hit('a', START + 10_000), { limit: 3, remaining: 2, resetSeconds: 10, isOver: false })
})

test('callers do not count for each other', () => {
  const bucket = new Bucket('b', RATE)
  for (let n = 0; n < 4; n++) bucket.hit('a', START)
  assert.equal(bucket.hit('a', START).isOver, true)
  assert.equal(bucket.hit('b', START).isOver, false)
})

test('what is given back can be used again, and nothing is had by giving back what was not taken', () => {
  const bucket = new Bucket('b', RATE)
  bucket.giveBack('a', START)
  for (let n = 0; n < 3; n++) bucket.hit('a', START)
  assert.equal(bucket.hit('a', START).isOver, true)
  bucket.giveBack('a', START)
  assert.equal(bucket.hit('a', START).isOver, false)
  bucket.giveBack('a', START + 10_000)
  assert.equal(bucket.hit('a', START + 10_000).remaining, 2)
})

test('a flood of callers is held to so many counts, and those who were there keep theirs', () => {
  const bucket = new Bucket('b', RATE, 10)
  bucket.hit('a', START)
  for (let n = 0; n < 1000; n++) bucket.hit(`flood ${n}`, START)
  assert.equal(bucket.hit('a', START).remaining, 1)
  assert.equal(bucket.hit('late', START).isOver, true)
})

test('processes that share what they counted let through the limit together, and what came before they knew', () => {
  const step = fc.record({ process: fc.nat(2), action: fc.constantFrom('hit', 'hit', 'hit', 'give', 'share') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const limit = 5
      const processes = [0, 1, 2].map(() => new Bucket('b', { limit, windowMs: 1e9 }))
      let table = 0
      const held = [0, 0, 0]
      let unshared = 0
      for (const { process, action } of steps) {
        const bucket = processes[process]
        if (!bucket) continue
        if (action === 'hit' && !bucket.hit('a', START).isOver) {
          held[process] = (held[process] ?? 0) + 1
          unshared++
        } else if (action === 'give' && (held[process] ?? 0) > 0) {
          bucket.giveBack('a', START)
          held[process] = (held[process] ?? 0) - 1
        } else if (action === 'share') {
          const pending = bucket.takePending(START)
          for (const { hits } of pending) table += hits
          for (const { key, windowEnd } of pending) bucket.learn(key, windowEnd, table)
        }
      }
      for (const bucket of processes) for (const { hits } of bucket.takePending(START)) table += hits
      assert.equal(
        table,
        held.reduce((sum, one) => sum + one, 0),
      )
      assert.ok(table <= limit + unshared)
    }),
  )
})

test('a rate is a number and a time, or off', () => {
  const read = (value: string) => readConfig({ FIELDBOOK_CALLER_RATE: value }, '/').rates.caller
  assert.deepEqual(read('5/1m'), { limit: 5, windowMs: 60_000 })
  assert.deepEqual(read(''), { limit: 10_000, windowMs: 10_000 })
  assert.equal(read('off'), undefined)
  for (const value of ['5', '5/', '/5s', '0/1s', '1.5/1s', '5/1ms', '5/2d', 'none', '-1/1s'])
    assert.throws(() => read(value), /FIELDBOOK_CALLER_RATE=.*expected a number and a time/, value)
})
