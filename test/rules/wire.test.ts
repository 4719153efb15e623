/**
 * Jupyter messages as bytes: against vectors made by hand, and against what a hostile kernel may send.
 */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import test from 'node:test'
import { createHeader, decode, encode, isDeeperThan } from '../../server/kernel/wire.ts'

const KEY = 'secret'
const header = {
  msg_id: 'm',
  msg_type: 'stream',
  session: 's',
  username: 'u',
  date: '2024-01-01T00:00:00Z',
  version: '5.3',
}

/** A message made by hand, as the protocol document describes it. */
function frames(parts: readonly unknown[], key = KEY): Buffer[] {
  const bodies = parts.map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)))
  const signature = createHmac('sha256', key).update(Buffer.concat(bodies)).digest('hex')
  return [Buffer.from('topic'), Buffer.from('<IDS|MSG>'), Buffer.from(signature), ...bodies]
}

test('a signature is the hex HMAC-SHA256 of header, parent, metadata and content in a row', () => {
  const [delimiter, signature, ...parts] = encode({ ...header, msg_type: 'kernel_info_request' }, {}, 'abc')
  assert.equal(delimiter?.toString(), '<IDS|MSG>')
  // Computed with Python's hmac module over the same bytes.
  assert.equal(signature?.toString(), 'fd1627547b8d7d29e8f20510900ee8deb1e2065a02db925226ef14ec20da553f')
  assert.equal(parts.length, 4)
})

test('what is encoded decodes to the same message', () => {
  const sent = createHeader('execute_request', 'session')
  const message = decode(encode(sent, { code: 'é\u0000' }, KEY), KEY)
  assert.deepEqual(message.header, sent)
  assert.deepEqual(message.content, { code: 'é\u0000' })
  assert.equal(message.parentId, undefined)
})

test('a message in front of whose delimiter identities stand is read with its parent', () => {
  const message = decode(frames([header, { msg_id: 'p' }, {}, { text: 'x' }]), KEY)
  assert.equal(message.parentId, 'p')
  assert.equal(message.sizeBytes, '{"text":"x"}'.length)
})

for (const [why, bad] of [
  ['no delimiter', frames([header, {}, {}, {}]).filter((frame) => frame.toString() !== '<IDS|MSG>')],
  ['a missing frame', frames([header, {}, {}])],
  ['another key', frames([header, {}, {}, {}], 'other')],
  ['an empty signature', frames([header, {}, {}, {}]).map((frame, index) => (index === 2 ? Buffer.alloc(0) : frame))],
  ['a header without type', frames([{ ...header, msg_type: 5 }, {}, {}, {}])],
  ['content that is a list', frames([header, {}, {}, []])],
  ['content that is not JSON', frames([header, {}, {}, 'NaN?'])],
  ['content nested too deep', frames([header, {}, {}, `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`])],
] as const) {
  test(`a message with ${why} is refused`, () => {
    assert.throws(() => decode(bad, KEY))
  })
}

test('depth is counted outside of texts only', () => {
  const cases: [string, number, boolean][] = [
    ['[[[]]]', 3, false],
    ['[[[]]]', 2, true],
    ['["[[[[", "\\"[[["]', 1, false],
    ['[{},{},{}]', 2, false],
  ]
  for (const [json, limit, expected] of cases) assert.equal(isDeeperThan(Buffer.from(json), limit), expected, json)
})
