/** What is wrong before there is a request, over real sockets: it is answered in the shape of the API and then closed. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { ArrivalLimits } from '../../server/http/arrival.ts'
import { openDoor } from '../support/door.ts'
import { connectTo, type RawAnswer, readAll, sayTo } from '../support/raw-http.ts'

const LIMIT = { timeout: 60_000 }

async function listen(t: TestContext, arrival?: ArrivalLimits) {
  const { app } = await openDoor(t, {}, arrival)
  return app.listen({ port: 0, host: '127.0.0.1' })
}

function requireRefusal({ status, headers, body }: RawAnswer, expected: number, message: RegExp, what: string) {
  assert.equal(status, expected, `${what}: ${body}`)
  assert.deepEqual(Object.keys(JSON.parse(body)), ['type', 'message'], what)
  assert.match(JSON.parse(body).message, message, what)
  assert.match(headers['content-type'] ?? '', /^application\/json/, what)
  assert.equal(headers['x-content-type-options'], 'nosniff', what)
  assert.match(headers['content-security-policy'] ?? '', /frame-ancestors 'none'/, what)
}

const head = (line: string, ...fields: string[]) =>
  `${[line, 'Host: x', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`
const fields = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: 1`)
const query = (count: number) => `/healthz?${Array.from({ length: count }, (_, n) => `p${n}=1`).join('&')}`

const REFUSED: [string, string, number, RegExp][] = [
  [
    'headers that are too large',
    head('GET / HTTP/1.1', `X: ${'x'.repeat(33_000)}`),
    431,
    /at most 32768 bytes together/,
  ],
  ['a URL that is larger than the head', head(`GET /${'x'.repeat(33_000)} HTTP/1.1`), 431, /at most 32768 bytes/],
  ['too many headers', head('GET /healthz HTTP/1.1', ...fields(99)), 431, /has 101 header fields; at most 100/],
  ['a URL that is too long', head(`GET /healthz?a=${'x'.repeat(16_384)} HTTP/1.1`), 414, /at most 16384 are allowed/],
  [
    'a part of the path that is too long',
    head(`GET /applications/${'a'.repeat(3000)} HTTP/1.1`),
    400,
    /longer than any name/,
  ],
  ['too many parameters', head(`GET ${query(201)} HTTP/1.1`), 400, /at most 200 parameters/],
  ['a path that can not be decoded', head('GET /applications/%zz HTTP/1.1'), 400, /two hexadecimal digits/],
  ['a request without Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, /must have a Host header/],
  ['what is no HTTP', 'hello\r\n\r\n', 400, /not valid HTTP/],
  ['a header with NUL', head('GET /healthz HTTP/1.1', 'X: a\u0000b'), 400, /not valid HTTP/],
  ['two lengths', head('POST /auth/user HTTP/1.1', 'Content-Length: 2', 'Content-Length: 3'), 400, /not valid HTTP/],
  [
    'a length and chunks, as smugglers send them',
    `${head('POST /auth/user HTTP/1.1', 'Content-Length: 2', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
    /not valid HTTP/,
  ],
  [
    'chunks with endless extensions',
    `${head('POST /auth/user HTTP/1.1', 'Content-Type: application/json', 'Transfer-Encoding: chunked')}1;${'x'.repeat(20_000)}`,
    413,
    /extensions of a chunk/,
  ],
]
for (const [what, text, status, message] of REFUSED) {
  test(`${what}: ${status}`, LIMIT, async (t) =>
    requireRefusal(await sayTo(await listen(t), text), status, message, what),
  )
}

test('as many headers, parameters and characters as are allowed pass', LIMIT, async (t) => {
  const url = await listen(t)
  assert.equal((await sayTo(url, head('GET /healthz HTTP/1.1', ...fields(98)))).status, 200)
  assert.equal((await sayTo(url, head(`GET ${query(200)} HTTP/1.1`))).status, 200)
  assert.equal((await sayTo(url, head(`GET /healthz?a=${'x'.repeat(16_000)} HTTP/1.1`))).status, 200)
})

test('headers that do not end, and a connection that says nothing, are answered and closed', LIMIT, async (t) => {
  const url = await listen(t, { headersMs: 300, requestMs: 60_000, pauseMs: 60_000 })
  const dripping = connectTo(url)
  dripping.write('GET /healthz HTTP/1.1\r\nHost: x\r\n')
  const drip = setInterval(() => dripping.write('X: 1\r\n'), 20)
  const [slow, silent] = await Promise.all([readAll(dripping), readAll(connectTo(url))])
  clearInterval(drip)
  requireRefusal(slow, 408, /did not arrive in time/, 'headers that drip')
  requireRefusal(silent, 408, /did not arrive in time/, 'silence')
})

const TYPES: [string, number][] = [
  ['text/plain', 415],
  ['application/x-www-form-urlencoded', 415],
  ['text/json', 415],
  ['application/jsonp', 415],
  ['no type at all', 415],
  ['application/json', 400],
  ['application/json; charset=utf-8', 400],
  ['APPLICATION/JSON', 400],
]
test('bodies are JSON or forms, and nothing else is read', LIMIT, async (t) => {
  const url = await listen(t)
  for (const [type, status] of TYPES) {
    const typed = type === 'no type at all' ? [] : [`Content-Type: ${type}`]
    const answer = await sayTo(url, `${head('POST /auth/user HTTP/1.1', 'Content-Length: 2', ...typed)}{}`)
    const message = status === 415 ? /must be application\/json, or multipart\/form-data/ : /is required/
    requireRefusal(answer, status, message, type)
  }
})
