/** Whose a request is by its address: spellings of one client are one, and only named proxies are believed. */

import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import test from 'node:test'
import { readConfig } from '../../server/ground/config.ts'
import { addressesIn, addressOf, clientOf } from '../../server/http/client-address.ts'

const CLIENTS: [string, string][] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:ffff::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
]
for (const [address, client] of CLIENTS) {
  test(`${address} is the client ${client}`, () => assert.equal(clientOf(address), client))
}

test('a proxy is one that is named, as an address or in a network', () => {
  const isTrusted = addressesIn(['127.0.0.1', '10.0.0.0/8', '2001:db8::/32', 'fd00::1'])
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.255.0.1', '2001:db8:5::1', 'fd00::1'])
    assert.equal(isTrusted(address), true, address)
  for (const address of [
    '127.0.0.2',
    '11.0.0.1',
    '::ffff:11.0.0.1',
    '2001:db9::1',
    'fd00::2',
    '',
    'unknown',
    '10.0.0.1, 1.1.1.1',
  ])
    assert.equal(isTrusted(address), false, address)
  assert.equal(addressesIn([])('127.0.0.1'), false)
})

test('a request comes from the last address that no trusted proxy has', () => {
  const isTrusted = addressesIn(['127.0.0.1', '10.0.0.0/8'])
  const request = (remoteAddress: string, forwarded?: string) => {
    const raw = new IncomingMessage(Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress }))
    if (forwarded !== undefined) raw.headers['x-forwarded-for'] = forwarded
    return addressOf(raw, isTrusted)
  }
  assert.equal(request('198.51.100.1'), '198.51.100.1')
  assert.equal(request('198.51.100.1', '192.0.2.7'), '198.51.100.1')
  assert.equal(request('127.0.0.1', '192.0.2.8,192.0.2.7 , 10.0.0.1'), '192.0.2.7')
  assert.equal(request('127.0.0.1', '10.0.0.2, 10.0.0.1'), '10.0.0.2')
  assert.equal(request('127.0.0.1', ' '), '127.0.0.1')
  assert.equal(request('127.0.0.1', '192.0.2.7, nonsense'), 'nonsense')
})

test('a setting of proxies is addresses and networks and nothing else', () => {
  const read = (value: string) => readConfig({ FIELDBOOK_TRUSTED_PROXIES: value }, '/').connections.trustedProxies
  assert.deepEqual(read(''), [])
  assert.deepEqual(read('10.0.0.0/8, ::1 192.0.2.1'), ['10.0.0.0/8', '::1', '192.0.2.1'])
  for (const value of ['true', '*', '10.0.0.0/33', '::/129', '10.0.0/8', 'proxy.example', '10.0.0.1/', '1'])
    assert.throws(() => read(value), /FIELDBOOK_TRUSTED_PROXIES=.*expected addresses or networks/, value)
})
