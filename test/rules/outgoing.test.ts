/** Which addresses and URLs outgoing requests may go to: every range that is not the public internet is refused. */

import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import test from 'node:test'
import fc from 'fast-check'
import { isOwnAddress, isPublicAddress } from '../../server/outgoing/addresses.ts'
import { checkTarget, OPEN_NETWORK, PUBLIC_NETWORK } from '../../server/outgoing/network.ts'
import { nextHop } from '../../server/outgoing/redirect.ts'

const PUBLIC = ['1.1.1.1', '8.8.8.8', '93.184.216.34', '172.32.0.1', '100.128.0.1', '169.253.0.1', '2606:4700::1111']

const PRIVATE: Record<string, string[]> = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
  'RFC 1918': ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255', '100.100.100.200'],
  'link-local': ['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0'],
  'unique local': ['fc00::1', 'fd00:ec2::254', 'fdff::1'],
  'site-local': ['fec0::1', 'feff::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  broadcast: ['255.255.255.255'],
  reserved: ['240.0.0.1', '192.0.0.1', '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1'],
  'documentation of IPv6': ['2001:db8::1', '3fff::1'],
  'NAT64, public inside or not': [
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::1',
    '64:ff9b:1:ffff::1',
  ],
  '6to4': ['2002:7f00:1::1', '2002:a00:1::', '192.88.99.1'],
  Teredo: ['2001::1', '2001:0:7f00:1::'],
  'IPv4-mapped': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '0:0:0:0:0:ffff:c0a8:1',
  ],
  'IPv4-compatible': ['::127.0.0.1', '::7f00:1', '::8.8.8.8'],
  'IPv4-translated': ['::ffff:0:127.0.0.1', '::ffff:0:7f00:1'],
  'outside of 2000::/3': ['100::1', '5f00::1', '4000::1', 'e000::1', '1::1'],
  'the platform of a cloud': ['168.63.129.16', '::ffff:168.63.129.16'],
  'no address': ['', 'localhost', '1.2.3', '1.2.3.4.5', '0x7f.1', '999.1.1.1', ':::', '1.1.1.1/24'],
}

for (const address of PUBLIC) test(`${address} is public`, () => assert.equal(isPublicAddress(address), true))

test('a public IPv4 address in IPv6 clothes is what it wraps', () => {
  assert.equal(isPublicAddress('::ffff:8.8.8.8'), true)
})

for (const [range, addresses] of Object.entries(PRIVATE)) {
  for (const address of addresses)
    test(`${range}: "${address}" is not public`, () => assert.equal(isPublicAddress(address), false))
}

test('no IPv4 address is public in one spelling and private in another', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      const hex = (high: number, low: number) => (high * 256 + low).toString(16)
      const mapped = [`::ffff:${address}`, `::ffff:${hex(a, b)}:${hex(c, d)}`]
      assert.deepEqual(
        mapped.map(isPublicAddress),
        mapped.map(() => isPublicAddress(address)),
      )
    }),
  )
})

test('every address of this machine is its own, whatever its range', () => {
  const own = Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address))
  assert.ok(own.length > 0)
  for (const address of own) assert.equal(isOwnAddress(address), true, address)
  assert.equal(isOwnAddress('::ffff:127.0.0.1'), true)
  assert.equal(isOwnAddress('1.1.1.1'), false)
})

const PRIVATE_TARGET =
  /is at a private address, which this installation does not send requests to \(FIELDBOOK_ALLOW_PRIVATE_ADDRESSES\)$/

const REFUSED: readonly (readonly [url: string, message: RegExp])[] = [
  ['http://127.0.0.1/', PRIVATE_TARGET],
  ['http://127.1/', PRIVATE_TARGET],
  ['http://127.0.0.1./', PRIVATE_TARGET],
  ['http://2130706433/', PRIVATE_TARGET],
  ['http://0x7f000001/', PRIVATE_TARGET],
  ['http://0x7f.0.0.1/', PRIVATE_TARGET],
  ['http://0177.0.0.1/', PRIVATE_TARGET],
  ['http://017700000001/', PRIVATE_TARGET],
  ['http://0/', PRIVATE_TARGET],
  ['http://1２7.0.0.1/', PRIVATE_TARGET],
  ['http://127。0。0。1/', PRIVATE_TARGET],
  ['http://①②⑦.0.0.1/', PRIVATE_TARGET],
  ['http://%31%32%37.0.0.1/', PRIVATE_TARGET],
  ['http://[::1]/', PRIVATE_TARGET],
  ['http://[::ffff:127.0.0.1]/', PRIVATE_TARGET],
  ['http://[::ffff:a9fe:a9fe]/latest/meta-data/', PRIVATE_TARGET],
  ['http://[64:ff9b::7f00:1]/', PRIVATE_TARGET],
  ['http://[fd00::1]:8410/', PRIVATE_TARGET],
  ['http://169.254.169.254/latest/meta-data/', PRIVATE_TARGET],
  ['http://169.254.169.254./', PRIVATE_TARGET],
  ['http://2852039166/', PRIVATE_TARGET],
  ['http://0xa9fea9fe/', PRIVATE_TARGET],
  ['http://0251.0376.0251.0376/', PRIVATE_TARGET],
  ['http://0xA9.254.0251.0xfe/', PRIVATE_TARGET],
  ['http://0.0.0.0:8410/', PRIVATE_TARGET],
  ['http://[::]:8410/', PRIVATE_TARGET],
  ['http://[fe80::1]/', PRIVATE_TARGET],
  ['http://[fe80::1%25eth0]/', /is not a URL/],
  ['http://[fe80::1%eth0]/', /is not a URL/],
  ['http://[2002:7f00:1::]/', PRIVATE_TARGET],
  ['http://[64:ff9b:1::a9fe:a9fe]/', PRIVATE_TARGET],
  ['http://[::ffff:0:127.0.0.1]/', PRIVATE_TARGET],
  ['http://[0:0:0:0:0:ffff:7f00:0001]/', PRIVATE_TARGET],
  ['http:\\\\127.0.0.1\\', PRIVATE_TARGET],
  ['http:127.0.0.1', PRIVATE_TARGET],
  ['http:////127.0.0.1/', PRIVATE_TARGET],
  ['\thttp://127.0.0.1/', PRIVATE_TARGET],
  ['http://127.0.0.1\u00ad/', PRIVATE_TARGET],
  ['https://10.0.0.1:8443/x', PRIVATE_TARGET],
  ['http://localhost/', PRIVATE_TARGET],
  ['http://LOCALHOST:8410/', PRIVATE_TARGET],
  ['http://localhost./', PRIVATE_TARGET],
  ['http://localhost../', PRIVATE_TARGET],
  ['http://a.localhost/', PRIVATE_TARGET],
  ['http://ⓛocalhost/', PRIVATE_TARGET],
  ['http://localhost。/', PRIVATE_TARGET],
  ['http://printer.local/', PRIVATE_TARGET],
  ['http://metadata.google.internal./', PRIVATE_TARGET],
  ['http://user@example.com/', /must not hold a user name or password/],
  ['http://example.com:80@127.0.0.1/', /must not hold a user name or password/],
  ['http://:password@example.com/', /must not hold a user name or password/],
  ['file:///etc/passwd', /must start with http/],
  ['ftp://example.com/', /must start with http/],
  ['gopher://example.com/', /must start with http/],
  ['data:text/plain,hello', /must start with http/],
  ['javascript:alert(1)', /must start with http/],
  ['//example.com/', /is not a URL/],
  ['example.com', /is not a URL/],
  ['', /is not a URL/],
  ['http://', /is not a URL/],
  ['http://[::1', /is not a URL/],
  ['http://256.256.256.256/', /is not a URL/],
  ['http://exa mple.com/', /is not a URL/],
  [`http://example.com/${'a'.repeat(2048)}`, /may have 2048 characters/],
]

for (const [url, message] of REFUSED) {
  test(`${JSON.stringify(url.slice(0, 60))} is refused`, () => {
    assert.throws(() => checkTarget(url, PUBLIC_NETWORK), { kind: 'invalid', message })
  })
}

for (const url of [
  'https://example.com/a?b=c#d',
  'http://1.1.1.1:8080/',
  'http://[2606:4700::1111]/',
  'http://localhost.example.com/',
]) {
  test(`${url} passes`, () => assert.equal(checkTarget(url, PUBLIC_NETWORK).href, url))
}

test('an installation that allows private addresses still takes http and https only, without passwords', () => {
  assert.equal(checkTarget('http://localhost:8410/', OPEN_NETWORK).href, 'http://localhost:8410/')
  assert.equal(checkTarget('http://10.0.0.1/', OPEN_NETWORK).href, 'http://10.0.0.1/')
  assert.throws(() => checkTarget('file:///etc/passwd', OPEN_NETWORK), /must start with http/)
  assert.throws(() => checkTarget('http://a:b@10.0.0.1/', OPEN_NETWORK), /must not hold a user name/)
})

const HOPS: readonly (readonly [
  from: string,
  status: number,
  location: string | undefined,
  leads: string | RegExp | undefined,
])[] = [
  ['https://a.example/x', 200, 'https://b.example/', undefined],
  ['https://a.example/x', 304, 'https://b.example/', undefined],
  ['https://a.example/x/y?q=1', 302, '../z', 'https://a.example/z'],
  ['https://a.example/x', 301, '//b.example/z', 'https://b.example/z'],
  ['http://a.example/', 308, 'https://a.example/', 'https://a.example/'],
  ['https://a.example/', 302, 'http://a.example/', /redirects from https to http, which is not followed/],
  ['https://a.example/', 303, '//127.1/', PRIVATE_TARGET],
  ['https://a.example/', 307, 'http://[::ffff:10.0.0.1]/', PRIVATE_TARGET],
  ['https://a.example/', 302, 'file:///etc/passwd', /must start with http/],
  ['https://a.example/', 302, 'https://me:secret@b.example/', /must not hold a user name/],
  ['https://a.example/x', 302, undefined, /a\.example\/x answered with status 302 and no place to go on to/],
  ['https://a.example/x', 302, 'http://[', /no place to go on to/],
]

for (const [from, status, location, leads] of HOPS) {
  test(`${status} from ${from} to ${location} ${leads instanceof RegExp ? 'is refused' : `leads to ${leads}`}`, () => {
    const hop = () => nextHop(new URL(from), status, location, PUBLIC_NETWORK)?.href
    if (leads instanceof RegExp) assert.throws(hop, { kind: 'invalid', message: leads })
    else assert.equal(hop(), leads)
  })
}
