/** Links that open without credentials: nothing of one can be changed, and it ends. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { LINK_PREFIX, linkTo, openLink } from '../../server/stores/blobs/links.ts'

const SECRET = randomBytes(32)
/** Of a length that leaves bits over in base64. */
const LINK = { key: 'executions/6b03/1/outputs/0@', fileName: 'résumé 1/2.csv', expiresAt: new Date(1_800_000_000_000) }
const BEFORE = new Date(LINK.expiresAt.getTime() - 1)

/** What the door hands on of a link that was followed. */
function follow(link: string) {
  const url = new URL(link, 'http://localhost')
  const [encodedKey = '', name = ''] = url.pathname.slice(LINK_PREFIX.length).split('/')
  const { expires = '', signature = '' } = Object.fromEntries(url.searchParams)
  return { encodedKey, fileName: decodeURIComponent(name), expires, signature }
}

const GIVEN = follow(linkTo(SECRET, LINK))

test('a link opens what it was made for, until it ends', () => {
  assert.deepEqual(openLink(SECRET, GIVEN, BEFORE), LINK)
  assert.equal(openLink(SECRET, GIVEN, LINK.expiresAt), 'expired')
})

const encoded = (key: string) => Buffer.from(key).toString('base64url')
const changes: [string, Partial<typeof GIVEN>][] = [
  ['another key', { encodedKey: encoded('executions/6b04/1/outputs/0') }],
  ['no key', { encodedKey: '' }],
  ['a key that is no text', { encodedKey: '%%%' }],
  ['the same key written with what decoding overlooks', { encodedKey: `${GIVEN.encodedKey}=` }],
  ['the same key with leftover bits set', { encodedKey: GIVEN.encodedKey.replace(/A$/, 'B') }],
  ['another file name, which decides the content type', { fileName: 'page.html' }],
  ['no file name', { fileName: '' }],
  ['a later end', { expires: '1900000000000' }],
  ['the same end written differently', { expires: '1800000000000.0' }],
  ['no end', { expires: '' }],
  ['no signature', { signature: '' }],
  ['a signature of another length', { signature: GIVEN.signature.slice(0, -1) }],
  ['a signature with one digit changed', { signature: GIVEN.signature.replace(/.$/, (d) => (d === '0' ? '1' : '0')) }],
  ['a signature in capitals', { signature: GIVEN.signature.toUpperCase() }],
  ['a signature beyond ASCII', { signature: `${GIVEN.signature.slice(0, -2)}é` }],
  ['key and file name parted elsewhere', { encodedKey: encoded(`${LINK.key}","x`), fileName: LINK.fileName }],
]
for (const [what, change] of changes) {
  test(`a link with ${what} is wrong, not expired`, () => {
    assert.equal(openLink(SECRET, { ...GIVEN, ...change }, new Date(LINK.expiresAt.getTime() * 2)), 'wrong')
  })
}

test('a link of another secret is wrong', () => {
  assert.equal(openLink(randomBytes(32), GIVEN, BEFORE), 'wrong')
})
