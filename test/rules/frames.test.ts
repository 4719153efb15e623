/** Messages cut out of a stream, however it arrives, and what a hostile kernel may put there. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { parseEvent } from '../../server/kernel/control.ts'
import { createFrameReader, encodeFrame, FrameTooLarge, messageOf } from '../../server/kernel/frames.ts'

const LIMIT = 1 << 20

const messagesIn = (pieces: readonly Buffer[], limit = LIMIT) => {
  const reader = createFrameReader(limit)
  return pieces.flatMap((piece) => reader.take(piece)).map(messageOf)
}

const stream = (text: string) => ({ t: 'stream', p: 'request', d: '2026-01-01T00:00:00Z', c: { name: 'stdout', text } })

test('frames come out whole however the stream is cut', () => {
  const bytes = Buffer.concat([encodeFrame(stream('é')), encodeFrame(stream('b')), encodeFrame(stream(''))])
  for (const size of [1, 2, 7, 8, 9, 50, bytes.length]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    )
    const texts = messagesIn(pieces).map(({ content }) => content['text'])
    assert.deepEqual(texts, ['é', 'b', ''], `in pieces of ${size}`)
  }
})

test('a message has its type, its parent, its date, its content and its buffers', () => {
  const frame = encodeFrame({ ...stream('x'), m: { a: 1 } }, [
    Buffer.from('one'),
    Buffer.alloc(0),
    Buffer.from('three'),
  ])
  const [message] = messagesIn([frame])
  assert.equal(message?.header.msg_type, 'stream')
  assert.equal(message?.parentId, 'request')
  assert.equal(message?.header.date, '2026-01-01T00:00:00Z')
  assert.deepEqual(message?.metadata, { a: 1 })
  assert.deepEqual(message?.buffers.map(String), ['one', '', 'three'])
})

test('a frame over the limit is refused by its header, before its bytes have come', () => {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(LIMIT, 0)
  assert.throws(() => createFrameReader(LIMIT).take(header), FrameTooLarge)
})

test('lengths of buffers that lie give no bytes of others', () => {
  const [frame] = createFrameReader(LIMIT).take(encodeFrame({ t: 'comm_msg', c: {} }, [Buffer.from('abc')]))
  assert.ok(frame)
  for (const lengths of [[100], [-1, 4], [1.5], ['3'], 'x']) {
    const json = Buffer.from(JSON.stringify({ t: 'comm_msg', b: lengths }))
    const { buffers } = messageOf({ json, binary: frame.binary })
    assert.deepEqual(
      buffers.filter((buffer) => buffer.length > 3),
      [],
    )
  }
})

for (const [what, json] of [
  ['no JSON', '{'],
  ['a list', '[]'],
  ['no type', '{"c":{}}'],
  ['nested too deep', `{"t":"stream","c":${'['.repeat(2000)}${']'.repeat(2000)}}`],
]) {
  test(`a frame with ${what} is refused`, () => {
    assert.throws(() => messageOf({ json: Buffer.from(json ?? ''), binary: Buffer.alloc(0) }))
  })
}

test('what is no event of a fork server is told apart', () => {
  assert.deepEqual(parseEvent('{"ev":"spawned","id":"a1"}'), { ev: 'spawned', id: 'a1' })
  for (const line of ['', '{', '7', 'null', '{"ev":"other"}']) assert.equal(parseEvent(line), undefined, line)
})
