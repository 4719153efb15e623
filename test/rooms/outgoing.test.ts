/**
 * Outgoing requests against real servers of this machine. 127.0.0.1 plays the public internet and 127.0.0.2 a private
 * network, so that the guard can be watched at work on connections that would really succeed.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { access, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type FetchOptions, fetchToFile } from '../../server/outgoing/fetch-file.ts'
import type { Network } from '../../server/outgoing/network.ts'
import { postJson } from '../../server/outgoing/post-json.ts'
import { isAway } from '../../server/stores/postgres/away.ts'
import { makeFolder } from '../support/make.ts'

const LIMIT = { timeout: 30_000 }
const OUTSIDE = '127.0.0.1'
const INSIDE = '127.0.0.2'
const PRIVATE = /is at a private address/

/** A server on one of the two addresses, with what it was asked. */
async function serve(t: TestContext, host: string, listener: RequestListener) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    listener(request, response)
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { port, asked, close, url: `http://${host}:${port}` }
}

/** Names resolve to what the test says, one answer after the other and the last one for ever. */
function world(names: Record<string, string[][]> = {}): Network & { resolved: string[] } {
  const resolved: string[] = []
  return {
    resolved,
    resolve: async (hostname) => {
      resolved.push(hostname)
      const answers = names[hostname] ?? []
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
      return answer.map((address) => ({ address, family: 4 }))
    },
    permits: (address) => address === OUTSIDE,
  }
}

async function openFetch(t: TestContext, network: Network = world()) {
  const file = join(await makeFolder(t), 'fetched')
  const fetch = (url: string, options: Partial<FetchOptions> = {}) =>
    fetchToFile(url, file, {
      maxBytes: 1000,
      timeoutMs: 20_000,
      signal: new AbortController().signal,
      allowPrivate: false,
      network,
      ...options,
    })
  return { file, fetch }
}

test('a file is fetched with its type, and decoded', LIMIT, async (t) => {
  const { url } = await serve(t, OUTSIDE, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8', 'content-encoding': 'gzip' })
    response.end(gzipSync('a,b\n1,2\n'))
  })
  const { file, fetch } = await openFetch(t)
  assert.deepEqual(await fetch(`${url}/x.csv`), { sizeBytes: 8, contentType: 'text/csv' })
  assert.equal(await readFile(file, 'utf8'), 'a,b\n1,2\n')
})

test('a name that leads inside is refused before anything connects', LIMIT, async (t) => {
  const inside = await serve(t, INSIDE, (_, response) => response.end('secret'))
  for (const addresses of [[INSIDE], [OUTSIDE, INSIDE], [INSIDE, OUTSIDE]]) {
    const { file, fetch } = await openFetch(t, world({ 'innocent.example': [addresses] }))
    await assert.rejects(fetch(`http://innocent.example:${inside.port}/`), { kind: 'invalid', message: PRIVATE })
    await assert.rejects(access(file))
  }
  assert.equal(inside.asked.length, 0)
})

test('a name is resolved once for a connection, so one that flips afterwards gains nothing', LIMIT, async (t) => {
  const outside = await serve(t, OUTSIDE, (_, response) => response.end('public'))
  const network = world({ 'flips.example': [[OUTSIDE], [INSIDE]] })
  const { file, fetch } = await openFetch(t, network)
  await fetch(`http://flips.example:${outside.port}/`)
  assert.equal(await readFile(file, 'utf8'), 'public')
  assert.deepEqual(network.resolved, ['flips.example'])
  const again = await openFetch(t, network)
  await assert.rejects(again.fetch(`http://flips.example:${outside.port}/`), PRIVATE)
})

test('the other end of a connection is checked even when the lookup was fooled', LIMIT, async (t) => {
  const inside = await serve(t, INSIDE, (_, response) => response.end('secret'))
  let looks = 0
  // Says yes while the name is looked up, and sees the truth when connected.
  const network: Network = {
    resolve: async () => [{ address: INSIDE, family: 4 }],
    permits: () => looks++ === 0,
  }
  const { fetch } = await openFetch(t, network)
  await assert.rejects(fetch(`http://fooled.example:${inside.port}/`), PRIVATE)
  assert.equal(looks, 2)
  assert.equal(inside.asked.length, 0)
})

test('every redirect is checked again: by address, by name, by protocol', LIMIT, async (t) => {
  const inside = await serve(t, INSIDE, (_, response) => response.end('secret'))
  const outside = await serve(t, OUTSIDE, (request, response) => {
    response.writeHead(302, { location: decodeURIComponent(request.url?.slice(1) ?? '') }).end()
  })
  const { fetch } = await openFetch(t, world({ 'inner.example': [[INSIDE]] }))
  const through = (location: string) => fetch(`${outside.url}/${encodeURIComponent(location)}`)
  await assert.rejects(through(inside.url), PRIVATE)
  await assert.rejects(through(`http://inner.example:${inside.port}/`), PRIVATE)
  await assert.rejects(through('http://localhost/'), PRIVATE)
  await assert.rejects(through('file:///etc/passwd'), /must start with http/)
  await assert.rejects(through(`http://me:secret@127.0.0.1:${outside.port}/`), /must not hold a user name/)
  assert.equal(inside.asked.length, 0)
})

test('five redirects are followed, six are not', LIMIT, async (t) => {
  const { url } = await serve(t, OUTSIDE, (request, response) => {
    const left = Number(request.url?.slice(1))
    if (left === 0) response.end('there')
    else response.writeHead(307, { location: `/${left - 1}` }).end()
  })
  const { file, fetch } = await openFetch(t)
  await fetch(`${url}/5`)
  assert.equal(await readFile(file, 'utf8'), 'there')
  const other = await openFetch(t)
  await assert.rejects(other.fetch(`${url}/6`), /redirects more than 5 times/)
})

test('what is sent along stays with the first origin', LIMIT, async (t) => {
  const other = await serve(t, OUTSIDE, (_, response) => response.end('there'))
  const first = await serve(t, OUTSIDE, (request, response) => {
    const location = request.url === '/' ? '/same' : other.url
    response.writeHead(302, { location }).end()
  })
  const { fetch } = await openFetch(t)
  await fetch(`${first.url}/`, { headers: { authorization: 'Bearer secret', 'x-key': 'secret' } })
  assert.deepEqual(
    first.asked.map(({ headers }) => headers.authorization),
    ['Bearer secret', 'Bearer secret'],
  )
  assert.equal(other.asked[0]?.headers.authorization, undefined)
  assert.equal(other.asked[0]?.headers['x-key'], undefined)
})

test('an answer that is too large ends at the limit, told or not, packed or not', LIMIT, async (t) => {
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const { url } = await serve(t, OUTSIDE, (request, response) => {
    if (request.url === '/told') response.writeHead(200, { 'content-length': 1001 }).end('x'.repeat(1001))
    if (request.url === '/untold') response.write('x'.repeat(1001))
    if (request.url === '/bomb') response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    if (request.url === '/twice') response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(gzipSync(bomb))
    if (request.url === '/thrice')
      response.writeHead(200, { 'content-encoding': 'gzip, gzip, gzip' }).end(gzipSync(bomb))
    if (request.url === '/exact') response.end('x'.repeat(1000))
  })
  for (const path of ['/told', '/untold', '/bomb', '/twice']) {
    const { file, fetch } = await openFetch(t)
    await assert.rejects(fetch(url + path), {
      kind: 'tooLarge',
      message: `The answer of ${url} is larger than 1000 bytes, the limit of FIELDBOOK_FETCH_SIZE`,
    })
    await assert.rejects(access(file), path)
  }
  const { fetch } = await openFetch(t)
  await assert.rejects(fetch(`${url}/thrice`), /encoding that was not asked for/)
  assert.equal((await fetch(`${url}/exact`)).sizeBytes, 1000)
})

test('a server that drips, hangs or does not answer ends at the time limit', LIMIT, async (t) => {
  const { url } = await serve(t, OUTSIDE, (request, response) => {
    if (request.url === '/silent') return
    response.write('x')
    const drip = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(drip))
  })
  for (const path of ['/silent', '/drips']) {
    const { file, fetch } = await openFetch(t)
    await assert.rejects(fetch(url + path, { timeoutMs: 300 }), {
      kind: 'unavailable',
      message: `${url} did not answer completely within 0.3 s, the limit of FIELDBOOK_FETCH_TIME`,
    })
    await assert.rejects(access(file))
  }
})

test('whoever asked can call it off', LIMIT, async (t) => {
  const { url } = await serve(t, OUTSIDE, (_, response) => response.write('x'))
  const { fetch } = await openFetch(t)
  const stop = new AbortController()
  const fetching = fetch(url, { signal: stop.signal })
  stop.abort(new Error('called off'))
  await assert.rejects(fetching, /called off/)
})

test('a failure names the host and the cause, and repeats nothing of what was answered', LIMIT, async (t) => {
  const { url } = await serve(t, OUTSIDE, (request, response) => {
    if (request.url === '/reset') request.socket.destroy()
    else if (request.url === '/torn') response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip')
    else response.writeHead(404, { 'x-inner': 'secret' }).end('secret')
  })
  const { fetch } = await openFetch(t)
  await assert.rejects(fetch(`${url}/gone?token=1`), {
    kind: 'invalid',
    message: `${url}/gone answered with status 404`,
  })
  await assert.rejects(fetch(`${url}/torn`), {
    message: `${url} answered what can not be decoded`,
  })
  await assert.rejects(fetch(`${url}/reset`), {
    kind: 'unavailable',
    message: `${url} could not be reached: it closed the connection`,
  })
  await assert.rejects(fetch('http://nowhere.example/'), /could not be reached/)
  const closed = await serve(t, OUTSIDE, () => {})
  await closed.close()
  await assert.rejects(fetch(closed.url), (error: Error) => {
    assert.equal(error.message, `${closed.url} could not be reached: it refuses connections`)
    assert.equal(isAway(error), false, 'it is not taken for our database')
    return true
  })
})

test('a callback is posted once, follows no redirect, and its answer is not read', LIMIT, async (t) => {
  const bodies: string[] = []
  const { url, asked } = await serve(t, OUTSIDE, async (request, response) => {
    bodies.push((await request.toArray()).join(''))
    if (request.url === '/moved') response.writeHead(307, { location: '/' }).end()
    else if (request.url === '/endless') response.write('x'.repeat(100_000))
    else if (request.url === '/broken') response.writeHead(500).end('secret')
    else response.end()
  })
  const post = (path: string, timeoutMs = 20_000) =>
    postJson(url + path, '{"a":1}', {
      headers: { 'x-one': '1' },
      timeoutMs,
      signal: new AbortController().signal,
      allowPrivate: false,
      network: world(),
    })
  await post('/')
  await post('/endless')
  await assert.rejects(post('/moved'), /answered with status 307; redirects are not followed/)
  await assert.rejects(post('/broken'), { message: `${url} answered with status 500` })
  assert.deepEqual(bodies, ['{"a":1}', '{"a":1}', '{"a":1}', '{"a":1}'])
  assert.equal(asked[0]?.headers['content-type'], 'application/json')
  assert.equal(asked[0]?.headers['x-one'], '1')
})

test('a callback to the inside is refused', LIMIT, async (t) => {
  const inside = await serve(t, INSIDE, (_, response) => response.end())
  const options = { timeoutMs: 20_000, signal: new AbortController().signal, allowPrivate: false }
  await assert.rejects(postJson(inside.url, '{}', { ...options, network: world() }), PRIVATE)
  await assert.rejects(postJson(inside.url, '{}', options), PRIVATE)
  assert.equal(inside.asked.length, 0)
  await postJson(inside.url, '{}', { ...options, allowPrivate: true })
  assert.equal(inside.asked.length, 1)
})
