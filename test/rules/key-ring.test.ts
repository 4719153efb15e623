/** What a rotation and a retirement make of the keys of tokens, and whose tokens a replaced key still vouches for. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../../server/access/callers.ts'
import { makeKey, retired, rotated, stillAccepts } from '../../server/access/key-ring.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const HOUR_MS = 3_600_000
const scope: string[] = []

const session: Caller = { kind: 'user', userId: 'u', generation: 0, scope }
const kept: Caller[] = [
  { kind: 'user', userId: 'u', tokenId: 't', scope },
  { kind: 'application', applicationId: 'a', tokenId: 't', scope },
  { kind: 'device', applicationId: 'a', deviceId: 'd', keyId: 'k', scope },
]

test('a rotation puts a new key first; the one before can verify and not sign', async () => {
  const [first, second, third] = [await makeKey(NOW), await makeKey(NOW), await makeKey(NOW)]
  const once = rotated({ keys: [first] }, second, NOW, HOUR_MS)
  const twice = rotated(once, third, new Date(NOW.getTime() + 1), HOUR_MS)
  assert.deepEqual(
    twice.keys.map(({ kid }) => kid),
    [third.kid, second.kid, first.kid],
  )
  assert.deepEqual(
    twice.keys.map(({ jwk }) => 'd' in jwk),
    [true, false, false],
  )
  assert.equal(twice.keys[2]?.sessionsUntil, '2026-03-01T01:00:00.000Z')
})

test('sessions of a replaced key end with the overlap; tokens of programs and devices do not', async () => {
  const [, old] = rotated({ keys: [await makeKey(NOW)] }, await makeKey(NOW), NOW, HOUR_MS).keys
  assert.ok(old)
  const end = NOW.getTime() + HOUR_MS
  assert.equal(stillAccepts(old, session, end - 1), true)
  assert.equal(stillAccepts(old, session, end), false)
  for (const caller of kept) assert.equal(stillAccepts(old, caller, end + 1e12), true, caller.kind)
  assert.equal(stillAccepts(await makeKey(NOW), session, end + 1e12), true)
})

test('only a key that was replaced can be retired, and there is an end to rotating', async () => {
  const [first, second] = [await makeKey(NOW), await makeKey(NOW)]
  const ring = rotated({ keys: [first] }, second, NOW, HOUR_MS)
  assert.throws(() => retired(ring, second.kid), { kind: 'conflict' })
  assert.throws(() => retired(ring, 'another'), { kind: 'notFound' })
  assert.deepEqual(retired(ring, first.kid).keys, [second])
  const full = { keys: Array.from({ length: 32 }, (_, index) => ({ ...first, kid: `k${index}` })) }
  assert.throws(() => rotated(full, second, NOW, HOUR_MS), { kind: 'conflict', message: /32 keys/ })
})
