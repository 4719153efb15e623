/** How long to wait after failed sign-ins, and which addresses are one network. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OF_ACCOUNT, OF_NETWORK, waitAfter } from '../../server/access/back-off.ts'
import { networkOf } from '../../server/access/networks.ts'

test('after the free tries waits double, up to a quarter of an hour', () => {
  const waits = (rule: typeof OF_NETWORK, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => waitAfter(from + index, rule))
  assert.deepEqual(waits(OF_NETWORK, 1, 15), [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  assert.deepEqual(waits(OF_ACCOUNT, 48, 56), [0, 0, 30, 60, 120, 240, 480, 900, 900])
  assert.equal(waitAfter(2 ** 31, OF_NETWORK), 900)
})

test('addresses of one customer are one network', () => {
  const cases: [string, string][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:0DB8:1:2::9', '2001:db8:1:2::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::1', '::'],
    ['no address', 'no address'],
    ['', ''],
  ]
  for (const [address, network] of cases) assert.equal(networkOf(address), network, address)
})
