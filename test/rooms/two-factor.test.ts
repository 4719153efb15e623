/** The second factor: keys that are offered and proven, and codes that are good once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { OF_NETWORK } from '../../server/access/back-off.ts'
import { signIn } from '../../server/access/sign-in.ts'
import { disable, enable, isEnabled, offerKey, takeCode } from '../../server/access/two-factor.ts'
import { addUser, openAccounts, RIGHT } from '../support/accounts.ts'

const NOW = new Date('2026-03-01T12:00:10Z')
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
const HOME = '192.0.2.1'

const codeAt = (key: string, at: Date) =>
  new TOTP({ secret: Secret.fromBase32(key) }).generate({ timestamp: at.getTime() })

test('codes are those of RFC 6238, of keys whose length is published', async (t) => {
  const { parts } = await openAccounts(t)
  const userId = await addUser(parts.db, 'ada@example.com')
  const { key, keyUri } = await offerKey(parts, userId, NOW)
  assert.match(key, /^[A-Z2-7]{52}$/)
  const url = new URL(keyUri)
  assert.deepEqual([url.protocol, url.host], ['otpauth:', 'totp'])
  assert.equal(decodeURIComponent(url.pathname), '/Fieldbook:ada@example.com')
  assert.equal(url.searchParams.get('secret'), key)
  // Appendix B of the RFC, the last six digits, with the key it uses.
  const rfc = Secret.fromUTF8('12345678901234567890')
  await parts.db.query('update two_factor set secret = $1, offered = null', [
    parts.vault.seal(Buffer.from(rfc.bytes), userId),
  ])
  assert.equal(await takeCode(parts, userId, '287082', new Date(59_000)), 'right')
  assert.equal(await takeCode(parts, userId, '081 804', new Date(1_111_111_109_000)), 'right')
  assert.equal(await takeCode(parts, userId, '353130', new Date(20_000_000_000_000)), 'right')
})

test('a key is in use once a code proves it, within an hour, and only the one that was offered last', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  const first = await offerKey(parts, userId, NOW)
  const { key } = await offerKey(parts, userId, NOW)
  assert.notEqual(first.key, key)
  const attempt = (code: string, with_: string | undefined, at = NOW) =>
    enable(parts, userId, { code, key: with_ }, at, 'data')
  const refused = (message: RegExp) => ({ kind: 'invalid', message })
  await assert.rejects(attempt(codeAt(first.key, NOW), undefined), refused(/^data\.twoFactorCode is not a code/))
  await assert.rejects(attempt(codeAt(first.key, NOW), first.key), refused(/^data\.twoFactorAuthKey is not the key/))
  await assert.rejects(attempt('', key), refused(/^data\.twoFactorCode/))
  await assert.rejects(attempt(codeAt(key, later(3601)), key, later(3601)), refused(/ask for one with generate/))
  assert.equal(await isEnabled(db, userId), false)
  assert.equal(await takeCode(parts, userId, undefined, NOW), 'notNeeded')

  await attempt(codeAt(key, NOW), key)
  assert.equal(await isEnabled(db, userId), true)
  await assert.rejects(offerKey(parts, userId, NOW), refused(/enabled already/))
  await disable(db, userId)
  assert.equal(await takeCode(parts, userId, undefined, NOW), 'notNeeded')
})

test('a code is good once, a period around its own, and never after a later one', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  const { key } = await offerKey(parts, userId, NOW)
  await enable(parts, userId, { code: codeAt(key, NOW), key: undefined }, NOW, 'data')
  const take = (codeOf: number, at: number) => takeCode(parts, userId, codeAt(key, later(codeOf)), later(at))
  assert.equal(await take(0, 0), 'wrongCode', 'the code that enabled it')
  assert.equal(await take(60, 0), 'wrongCode', 'two periods ahead')
  assert.equal(await take(60, 120), 'wrongCode', 'two periods late')
  const both = await Promise.all([take(60, 90), take(60, 90), take(60, 90)])
  assert.deepEqual(both.toSorted(), ['right', 'wrongCode', 'wrongCode'])
  assert.equal(await take(30, 60), 'wrongCode', 'an earlier one')
  assert.equal(await take(120, 90), 'right', 'a period ahead')
  assert.equal(await takeCode(parts, userId, undefined, NOW), 'codeMissing')
  for (const code of ['abcdef', '12345', '1234567', '٠١٢٣٤٥', '9'.repeat(2048)]) {
    assert.equal(await takeCode(parts, userId, code, later(300)), 'wrongCode', code)
  }
})

test('keys are not readable in the database', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  const { key } = await offerKey(parts, userId, NOW)
  const bytes = Buffer.from(Secret.fromBase32(key).bytes)
  const row = await db.one<{ offered: Buffer }>('select offered from two_factor')
  assert.ok(row && !row.offered.includes(bytes))
  // Nor are they another user's by being copied.
  const other = await addUser(db, 'grace@example.com')
  await db.query('insert into two_factor (user_id, secret) select $1, offered from two_factor', [other])
  await assert.rejects(takeCode(parts, other, codeAt(key, NOW), NOW))
})

test('a code is asked for only with the right password; asking locks nobody, guessing does', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  const { key } = await offerKey(parts, userId, new Date())
  const earlier = new Date(Date.now() - 30_000)
  await enable(parts, userId, { code: codeAt(key, earlier), key: undefined }, new Date(), 'data')
  const go = (proof: { password: string; twoFactorCode?: string }) => signIn(parts, 'ada@example.com', proof, HOME)
  const needed = { kind: 'secondFactor', message: 'Two-factor authentication is enabled: twoFactorCode is required' }
  await assert.rejects(go({ password: 'wrong password' }), { message: 'The email or password is wrong' })
  for (let count = 0; count < 20; count++) await assert.rejects(go({ password: RIGHT }), needed)
  await assert.rejects(go({ password: RIGHT, twoFactorCode: '  ' }), needed)
  await go({ password: RIGHT, twoFactorCode: codeAt(key, new Date()) })
  const wrong = { kind: 'unauthenticated', message: 'twoFactorCode is wrong, or was used before' }
  for (let count = 0; count <= OF_NETWORK.free; count++) {
    await assert.rejects(go({ password: RIGHT, twoFactorCode: 'abcdef' }), wrong)
  }
  await assert.rejects(go({ password: RIGHT }), { kind: 'locked' })
})
