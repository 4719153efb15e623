/** Conditions and ranges of HTTP, and the types files are served with. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { answerFor, type RequestHeaders } from '../../server/http/conditions.ts'
import { servedType } from '../../server/http/send-blob.ts'

const VERSION = { etag: '"abc"', lastModified: new Date('2026-11-26T12:00:00.900Z') }
const SAME = 'Thu, 26 Nov 2026 12:00:00 GMT'
const EARLIER = 'Thu, 26 Nov 2026 11:59:59 GMT'

const table: [RequestHeaders, number | string][] = [
  [{}, 200],
  [{ 'if-none-match': '"abc"' }, 304],
  [{ 'if-none-match': 'W/"abc"' }, 304],
  [{ 'if-none-match': '"x", "abc"' }, 304],
  [{ 'if-none-match': '*' }, 304],
  [{ 'if-none-match': '"x"' }, 200],
  [{ 'if-none-match': 'abc' }, 200],
  [{ 'if-none-match': '' }, 200],
  [{ 'if-modified-since': SAME }, 304],
  [{ 'if-modified-since': EARLIER }, 200],
  [{ 'if-modified-since': 'yesterday' }, 200],
  [{ 'if-none-match': '"x"', 'if-modified-since': SAME }, 200],
  [{ range: 'bytes=0-1' }, '0-1'],
  [{ range: 'bytes=0-1', 'if-none-match': '"abc"' }, 304],
  [{ range: 'bytes=0-1', 'if-range': '"abc"' }, '0-1'],
  [{ range: 'bytes=0-1', 'if-range': '"x"' }, 200],
  [{ range: 'bytes=0-1', 'if-range': 'W/"abc"' }, 200],
  [{ range: 'bytes=0-1', 'if-range': SAME }, '0-1'],
  [{ range: 'bytes=0-1', 'if-range': EARLIER }, 200],
  [{ range: 'bytes=10-' }, 416],
  [{ range: 'bytes=10-', 'if-range': '"x"' }, 200],
  [{ range: 'bytes=-3' }, '7-9'],
]
for (const [headers, expected] of table) {
  test(`${JSON.stringify(headers)} is answered with ${expected}`, () => {
    const answer = answerFor(headers, VERSION, 10)
    assert.equal(answer.status === 206 ? `${answer.range.start}-${answer.range.end}` : answer.status, expected)
  })
}

test('where the tag is all that is known, no condition about a time holds', () => {
  const version = { etag: VERSION.etag }
  const status = (headers: RequestHeaders) => answerFor(headers, version, 10).status
  assert.equal(status({ 'if-modified-since': SAME }), 200)
  assert.equal(status({ range: 'bytes=0-1', 'if-range': SAME }), 200)
  assert.equal(status({ 'if-none-match': '"abc"' }), 304)
  assert.equal(status({ range: 'bytes=0-1', 'if-range': '"abc"' }), 206)
  assert.equal(status({ range: 'bytes=0-1' }), 206)
})

test('a type is served as it was called when it is one, and as bytes when it could be anything', () => {
  const types: [string, string][] = [
    ['text/csv', 'text/csv; charset=utf-8'],
    ['text/csv; charset=latin1', 'text/csv; charset=latin1'],
    ['application/json', 'application/json; charset=utf-8'],
    ['image/svg+xml', 'image/svg+xml'],
    ['application/vnd.ms-excel.sheet.macroEnabled.12', 'application/vnd.ms-excel.sheet.macroEnabled.12'],
    ['multipart/mixed; boundary="a b"', 'multipart/mixed; boundary="a b"'],
    ['multipart/x-mixed-replace;boundary=a', 'application/octet-stream'],
    ['Multipart/X-Mixed-Replace', 'application/octet-stream'],
    ['image', 'application/octet-stream'],
    ['', 'application/octet-stream'],
    ['text/html\r\nset-cookie: a=b', 'application/octet-stream'],
    ['text/html; x="\n"', 'application/octet-stream'],
    ['text/é', 'application/octet-stream'],
    [`text/${'x'.repeat(2000)}`, 'application/octet-stream'],
    [`text/html${'; a=b'.repeat(200)}!`, 'application/octet-stream'],
  ]
  for (const [type, expected] of types) assert.equal(servedType(type), expected, type)
})
