/** How long to wait after failed sign-ins. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OF_ACCOUNT, OF_NETWORK, waitAfter } from '../../server/access/back-off.ts'

test('after the free tries waits double, up to a quarter of an hour', () => {
  const waits = (rule: typeof OF_NETWORK, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => waitAfter(from + index, rule))
  assert.deepEqual(waits(OF_NETWORK, 1, 15), [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  assert.deepEqual(waits(OF_ACCOUNT, 48, 56), [0, 0, 30, 60, 120, 240, 480, 900, 900])
  assert.equal(waitAfter(2 ** 31, OF_NETWORK), 900)
})
