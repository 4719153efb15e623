/** Which keys are keys, what is done about one that is there already, and that sealed answers need their word. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApplication } from '../../contract/applications.ts'
import { authenticateUser } from '../../contract/auth.ts'
import { getNotebook, uploadNotebook } from '../../contract/notebooks.ts'
import { judge, type KeyRow } from '../../server/access/idempotency-keys.ts'
import { openSealed, sealing } from '../../server/access/sealing.ts'
import { readKey } from '../../server/http/idempotency.ts'

const header = (key: string) => ({ 'idempotency-key': key })

test('a key is 1 to 255 visible characters, in quotes or not', () => {
  const good: [string, string][] = [
    ['a', 'a'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"8e03978e"', '8e03978e'],
    ['!~{}"', '!~{}"'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ]
  for (const [text, key] of good) assert.equal(readKey(createApplication, header(text)), key)
  for (const text of ['', '""', 'a b', 'a, b', 'a\tb', 'ü', '\u007f', 'x'.repeat(256)]) {
    assert.throws(() => readKey(createApplication, header(text)), {
      kind: 'invalid',
      message: 'Idempotency-Key must be 1 to 255 visible ASCII characters, without spaces',
    })
  }
  assert.equal(readKey(createApplication, {}), undefined)
})

test('a key counts on POSTs with a token, and is refused where it would be of no use', () => {
  assert.equal(readKey(getNotebook, header('a b')), undefined)
  assert.equal(readKey(authenticateUser, header('a b')), undefined)
  assert.throws(() => readKey(uploadNotebook, header('a')), { kind: 'invalid', message: /not taken with uploads/ })
})

const row: KeyRow = { id: 'x', attempt: 1, isSame: true, state: 'underWay', isHeld: true, status: null, answer: null }

test('what was answered is told again; what goes on is waited for; what was lost is done again only where that is safe', () => {
  const underWay = { kind: 'conflict', retryAfterSeconds: 2, message: /still under way/ }
  const unknown = { kind: 'conflict', retryAfterSeconds: undefined, message: /whether it was done is not known/ }
  for (const settles of [true, false]) {
    assert.equal(judge({ ...row, state: 'answered' }, settles), 'replay')
    assert.equal(judge({ ...row, state: 'answered', isHeld: false }, settles), 'replay')
    assert.throws(() => judge(row, settles), underWay)
    assert.throws(() => judge({ ...row, state: 'settled' }, settles), underWay)
    assert.equal(judge({ ...row, state: 'settled', isHeld: false }, settles), 'replay')
    for (const state of ['underWay', 'settled', 'answered'] as const) {
      assert.throws(() => judge({ ...row, state, isSame: false }, settles), { kind: 'unprocessable' })
    }
  }
  assert.equal(judge({ ...row, isHeld: false }, true), 'again')
  assert.throws(() => judge({ ...row, isHeld: false }, false), unknown)
})

test('a sealed text is read with its word and its secret only, and not when a bit was changed', () => {
  const [secret, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const seal = sealing(secret, 'a word')
  const sealed = seal('{"token":"ü"}')
  assert.equal(openSealed(secret, 'a word', sealed), '{"token":"ü"}')
  assert.equal(openSealed(secret, 'another', sealed), undefined)
  assert.equal(openSealed(other, 'a word', sealed), undefined)
  for (const at of [0, 15, sealed.length - 1]) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.equal(openSealed(secret, 'a word', changed), undefined, `byte ${at}`)
  }
  assert.equal(openSealed(secret, 'a word', Buffer.alloc(3)), undefined)
  assert.ok(!sealed.includes('token'))
  assert.notDeepEqual(seal('x'), seal('x'))
})
