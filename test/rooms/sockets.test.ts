/** Connections of a real server: how many, from whom, and what becomes of clients that do not take their answer. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type ConnectionLimits, limitConnections } from '../../server/http/sockets.ts'
import { connectTo } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 60_000 }

async function serve(
  t: TestContext,
  limits: Partial<ConnectionLimits>,
  listener: RequestListener,
  takesNothingMs?: number,
) {
  const server = createServer(listener)
  limitConnections(server, { all: 100, ofAddress: 100, isTrusted: () => false, ...limits }, takesNothingMs)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`
}

/** Whether the other side goes on talking to a client. */
async function isServed(socket: Socket): Promise<boolean> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)])
}

const answer: RequestListener = (_, response) => response.end('x')

test('an address has so many connections, and gets another when one is closed', LIMIT, async (t) => {
  const url = await serve(t, { ofAddress: 2 }, answer)
  const [first, second] = [connectTo(url), connectTo(url)]
  t.after(() => second.destroy())
  assert.deepEqual([await isServed(first), await isServed(second)], [true, true])
  assert.equal(await isServed(connectTo(url)), false)
  assert.equal(await isServed(second), true)
  first.destroy()
  await until(async () => {
    const next = connectTo(url)
    const served = await isServed(next)
    next.destroy()
    return served
  })
})

test('a proxy that is trusted has as many as there are', LIMIT, async (t) => {
  const url = await serve(t, { ofAddress: 1, all: 3, isTrusted: (address) => address === '127.0.0.1' }, answer)
  const open = [connectTo(url), connectTo(url), connectTo(url)]
  t.after(() => open.map((socket) => socket.destroy()))
  for (const socket of open) assert.equal(await isServed(socket), true)
  assert.equal(await isServed(connectTo(url)), false)
})

/** More than the buffers of both ends hold. */
const LARGE = Buffer.alloc(30_000_000)

test('a client that does not take its answer is let go, whether it is one piece or a stream', LIMIT, async (t) => {
  const closed: string[] = []
  const url = await serve(
    t,
    {},
    (request, response) => {
      response.on('close', () => closed.push(`${request.url} ${response.writableFinished}`))
      if (request.url === '/stream') response.write(LARGE)
      else response.end(LARGE)
    },
    100,
  )
  for (const path of ['/stream', '/whole']) {
    const socket = connectTo(url)
    t.after(() => socket.destroy())
    socket.pause().write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  }
  await until(() => closed.length === 2)
  assert.deepEqual(closed.toSorted(), ['/stream false', '/whole false'])
})

test('one that takes it slowly, and one that waits for what comes seldom, are not', LIMIT, async (t) => {
  const url = await serve(
    t,
    {},
    (request, response) => {
      if (request.url === '/large') return response.end(LARGE)
      response.write('x')
      return setTimeout(() => response.end('y'), 3500)
    },
    1000,
  )
  const seldom = connectTo(url)
  seldom.write('GET /seldom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const heard = seldom.toArray()
  const slow = connectTo(url)
  slow.write('GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const startedAt = performance.now()
  let taken = 0
  for await (const chunk of slow) {
    taken += chunk.length
    // For four looks, and then the rest.
    if (performance.now() - startedAt < 4000) await pause(10)
  }
  assert.ok(taken > LARGE.length, `${taken} bytes`)
  assert.match(Buffer.concat(await heard).toString(), /y\r\n0\r\n\r\n$/)
})
