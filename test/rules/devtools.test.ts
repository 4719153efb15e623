/** What a browser may say: messages are split, answered and bounded, whatever comes through the pipe. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import test from 'node:test'
import { openDevtools } from '../../server/render/devtools.ts'

const MIB = 1024 ** 2

function open() {
  const [send, receive] = [new PassThrough(), new PassThrough({ highWaterMark: 64 * MIB })]
  send.resume()
  return { receive, devtools: openDevtools({ send, receive }) }
}

/** With a text of so many bytes in it. */
const answer = (id: number, length: number) => `{"id":${id},"result":{"data":"${'x'.repeat(length)}"}}\0`
const event = (length: number) => `{"method":"Page.some","params":{"text":"${'x'.repeat(length)}"}}\0`

test('a part of a printed page is heard, a longer message ends the browser, in one piece or never ended', async () => {
  const { receive, devtools } = open()
  const part = devtools.send('IO.read')
  receive.write(answer(1, 1.4 * MIB))
  assert.equal(String((await part)['data']).length, Math.floor(1.4 * MIB))
  for (const text of [answer(2, 4 * MIB), answer(2, 4 * MIB).slice(0, -1)]) {
    const browser = open()
    const asked = [browser.devtools.send('Page.enable'), browser.devtools.send('IO.read')]
    browser.receive.write(text)
    for (const one of asked) await assert.rejects(one, /the browser has ended/)
    await browser.devtools.closed
    assert.equal(browser.receive.destroyed, true)
  }
})

test('all that is heard of a page is bounded, but for its printed parts', async () => {
  const { receive, devtools } = open()
  for (let id = 1; id <= 40; id += 1) {
    const part = devtools.send('IO.read')
    receive.write(answer(id, MIB))
    await part
  }
  const hear = async (count: number) => {
    for (let left = count; left > 0 && !receive.destroyed; left -= 1) {
      const heard = devtools.next('Page.some', 's').catch(() => {})
      receive.write(event(MIB))
      receive.write('{"method":"Page.some","sessionId":"s"}\0')
      await heard
    }
  }
  await hear(30)
  devtools.begin()
  await hear(30)
  assert.equal(receive.destroyed, false)
  await hear(5)
  assert.equal(receive.destroyed, true)
  await devtools.closed
})

test('what a browser says of an error is cut', async () => {
  const { receive, devtools } = open()
  const asked = devtools.send('Page.enable')
  receive.write(`{"id":1,"error":{"message":"${'x'.repeat(MIB)}"}}\0`)
  await assert.rejects(asked, ({ message }: Error) => message.length === 2000)
  receive.end()
  await once(receive, 'close')
})
