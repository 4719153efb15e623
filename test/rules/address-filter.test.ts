/** Which addresses an access key may be used from. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AddressFilter, admits, isAddressOrNetwork } from '../../server/access/address-filter.ts'

const cases: [addresses: string[], inside: string[], outside: string[]][] = [
  [['10.0.0.1'], ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1'], ['10.0.0.2', '::1', '', 'unknown']],
  [['10.0.0.0/8'], ['10.255.255.255', '::ffff:10.1.2.3'], ['11.0.0.0', '::a00:1']],
  [['::ffff:10.0.0.0/104'], ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.0']],
  [
    ['::1', '2001:db8::/32'],
    ['::1', '0:0:0:0:0:0:0:1', '2001:db8:1::1'],
    ['::2', '2001:db9::1', '127.0.0.1'],
  ],
  [['fe80::/10'], ['fe80::1%eth0'], ['fec0::1']],
  [['0.0.0.0/0'], ['1.2.3.4', '::ffff:1.2.3.4'], ['::1']],
  [[], [], ['10.0.0.1', '::1']],
]

test('a list lets through those that are on it, or those that are not', () => {
  for (const [addresses, inside, outside] of cases) {
    const of = (type: AddressFilter['type'], address: string) => admits({ type, addresses }, address)
    for (const address of inside) {
      assert.deepEqual(
        [of('whitelist', address), of('blacklist', address)],
        [true, false],
        `${address} in ${addresses}`,
      )
    }
    for (const address of outside) {
      const isAddress = isAddressOrNetwork(address)
      assert.deepEqual(
        [of('whitelist', address), of('blacklist', address), of('all', address)],
        [false, isAddress, true],
        `${address} not in ${addresses}`,
      )
    }
  }
})

test('what is no address and no network is known as such', () => {
  for (const good of ['1.2.3.4', '1.2.3.4/0', '1.2.3.4/32', '::', '::/128', 'fe80::1%eth0']) {
    assert.equal(isAddressOrNetwork(good), true, good)
  }
  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.4/33',
    '::/129',
    '1.2.3.4/',
    '/8',
    '1.2.3.4/x',
    'localhost',
    '1.2.3.4/8/8',
    '01.2.3.4',
  ]) {
    assert.equal(isAddressOrNetwork(bad), false, bad)
  }
})
