/** Requests that do not arrive: an ordinary one in time, an upload as long as it goes on. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ArrivalLimits } from '../../server/http/arrival.ts'
import { openDoor } from '../support/door.ts'
import { MULTIPART, multipart } from '../support/forms.ts'

/** A listening door with limits a test can wait for, and a way to begin a request. */
async function listen(t: TestContext, limits: ArrivalLimits) {
  const { app } = await openDoor(t, {}, limits)
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  return (path: string, type: string, announced: number): Socket => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${announced}\r\n\r\n`)
    return socket
  }
}

const FORM = multipart([{ name: 'file', content: 'x'.repeat(500), fileName: 'x' }])

test('a request that has not arrived in time is cut off, however steadily it comes', async (t) => {
  const begin = await listen(t, { headersMs: 60_000, requestMs: 300, pauseMs: 60_000 })
  const socket = begin('/auth/user', 'application/json', 10_000)
  // Writing to what is cut off is an error, for which `once` would not wait any longer.
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const writer = setInterval(() => socket.write(' '), 20)
  await closed
  clearInterval(writer)
})

test('an upload may take longer than that, as long as it does not pause', async (t) => {
  const begin = await listen(t, { headersMs: 60_000, requestMs: 100, pauseMs: 5000 })
  const socket = begin('/uploads', MULTIPART['content-type'], FORM.length)
  const answered = once(socket, 'data')
  for (let at = 0; at < FORM.length; at += 40) {
    socket.write(FORM.subarray(at, at + 40))
    await pause(20)
  }
  // Refused, but for what it says and not for how long it took.
  assert.match(String((await answered)[0]), /^HTTP\/1\.1 400 [\s\S]*no field Policy before the file/)
  socket.destroy()
})

test('an upload that pauses is cut off', async (t) => {
  const begin = await listen(t, { headersMs: 60_000, requestMs: 60_000, pauseMs: 200 })
  const socket = begin('/uploads', MULTIPART['content-type'], FORM.length)
  socket.write(FORM.subarray(0, 100))
  await once(socket, 'close')
})
