/** What is logged has no secrets in it, whatever a field is called and whatever a message repeats. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redactFields, redactText } from '../../server/ground/redact.ts'
import { parseTarget } from '../../server/outgoing/target.ts'

test('secrets in text are hidden, and the rest stays', () => {
  for (const [text, shown] of [
    ['no postgres://me:pw@host/db here', 'no postgres://***@host/db here'],
    ['https://x.y/a?token=abc&site=7 failed', 'https://x.y/a?token=***&site=*** failed'],
    ['sent Bearer abcdefgh.ijk', 'sent Bearer ***'],
    ['got eyJhbGciOi.eyJzdWIi.c2ln', 'got ***'],
    ['execution finished: 3 of 4', 'execution finished: 3 of 4'],
  ] as const) {
    assert.equal(redactText(text), shown)
  }
})

test('fields are hidden by their names at any depth, and errors by their text', () => {
  const error = new Error('GET https://u:p@x.y/?k=v')
  const told = redactFields({ user: { password: 'open', id: 'u1' }, list: [{ accessToken: 'abc' }], error, count: 2 })
  const text = JSON.stringify(told)
  assert.doesNotMatch(text, /open|abc|u:p|k=v/)
  assert.match(text, /"id":"u1"/)
  assert.equal(told['count'], 2)
})

test('the refusal of an address for an outgoing request does not repeat its credentials', () => {
  assert.throws(
    () => parseTarget('ftp://user:word@x.yz/?key=value', true),
    (error: Error) => {
      assert.doesNotMatch(error.message, /word|value/)
      return /must start with http/.test(error.message)
    },
  )
})
