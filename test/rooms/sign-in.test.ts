/** Signing in: who is refused, at what cost, and for how long after failures. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countAttempt } from '../../server/access/attempts.ts'
import { OF_ACCOUNT, OF_NETWORK } from '../../server/access/back-off.ts'
import { proveAgain, signIn } from '../../server/access/sign-in.ts'
import type { Database, Queryable } from '../../server/stores/postgres/database.ts'
import { textOf } from '../../server/stores/postgres/queryable.ts'
import { addUser, openAccounts, RIGHT } from '../support/accounts.ts'

const WRONG = { kind: 'unauthenticated', message: 'The email or password is wrong' }
const LOCKED = { kind: 'locked' }
const HOME = '192.0.2.1'

test('wrong passwords, unknown addresses and users who were shut out look the same and cost the same', async (t) => {
  const { parts, looks } = await openAccounts(t)
  const userId = await addUser(parts.db, 'Ada@Example.com')
  await addUser(parts.db, 'gone@example.com')
  await parts.db.query(`update users set disabled_at = now() where email = 'gone@example.com'`)
  const said: string[] = []
  const db = writtenDown(parts.db, said)
  const costOf = async (email: string, password: string) => {
    said.length = 0
    const before = looks()
    await assert.rejects(signIn({ ...parts, db }, email, { password }, HOME), WRONG)
    return { looks: looks() - before, said: [...said] }
  }
  const wrong = await costOf('ada@example.com', 'Long enough')
  assert.equal(wrong.looks, 1)
  assert.ok(wrong.said.length >= 4)
  for (const [email, password] of [
    ['nobody@example.com', RIGHT],
    ['%', RIGHT],
    ['gone@example.com', RIGHT],
    ['gone@example.com', 'Long enough'],
  ] as const) {
    assert.deepEqual(await costOf(email, password), wrong, `${email} ${password}`)
  }
  assert.deepEqual(await signIn(parts, 'aDA@example.COM', { password: RIGHT }, HOME), { userId, generation: 0 })
})

test('after a few failures everybody there waits, also with the right password, and also for an unknown address', async (t) => {
  const { parts, looks, wait } = await openAccounts(t)
  await addUser(parts.db, 'ada@example.com')
  for (const email of ['ada@example.com', 'nobody@example.com']) {
    const fail = () => assert.rejects(signIn(parts, email, { password: 'wrong password' }, HOME), WRONG)
    const refused = (seconds: number) =>
      assert.rejects(signIn(parts, email, { password: RIGHT }, HOME), {
        ...LOCKED,
        message: `Too many failed sign-ins; try again in ${seconds} seconds`,
        retryAfterSeconds: seconds,
      })
    for (let count = 0; count <= OF_NETWORK.free; count++) await fail()
    const before = looks()
    await refused(2)
    assert.equal(looks(), before, 'a password was looked at')
    await wait(2)
    await fail()
    await refused(4)
    await wait(4)
    await fail()
    await refused(8)
  }
  await wait(8)
  await signIn(parts, 'ADA@example.com', { password: RIGHT }, HOME)
  // A success begins anew.
  for (let count = 0; count < OF_NETWORK.free; count++) {
    await assert.rejects(signIn(parts, 'ada@example.com', { password: 'wrong password' }, HOME), WRONG)
  }
  await signIn(parts, 'ada@example.com', { password: RIGHT }, HOME)
})

test('tries sent at once are counted one by one', async (t) => {
  const { parts, looks } = await openAccounts(t)
  await addUser(parts.db, 'ada@example.com')
  const tries = Array.from({ length: 40 }, () => signIn(parts, 'ada@example.com', { password: 'wrong password' }, HOME))
  const kinds = (await Promise.allSettled(tries)).map((one) => one.status === 'rejected' && one.reason.kind)
  assert.equal(kinds.filter((kind) => kind === 'unauthenticated').length, OF_NETWORK.free + 1)
  assert.equal(kinds.filter((kind) => kind === 'locked').length, 40 - OF_NETWORK.free - 1)
  assert.equal(looks(), OF_NETWORK.free + 1)
})

test('guesses from everywhere lock an account, but not where its user has signed in before', async (t) => {
  const { parts, wait } = await openAccounts(t)
  const userId = await addUser(parts.db, 'ada@example.com')
  const from = (address: string, password: string) => signIn(parts, 'ada@example.com', { password }, address)
  await from(HOME, RIGHT)
  for (let count = 0; count <= OF_ACCOUNT.free; count++) {
    await countAttempt(parts.db, parts.vault, userId, `198.51.100.${count}`)
  }
  await assert.rejects(from('203.0.113.1', RIGHT), { ...LOCKED, retryAfterSeconds: 30 })
  await from(HOME, RIGHT)
  await assert.rejects(from('203.0.113.1', RIGHT), LOCKED)
  // Other accounts are not touched.
  await addUser(parts.db, 'grace@example.com')
  await signIn(parts, 'grace@example.com', { password: RIGHT }, '203.0.113.1')
  await wait(31)
  await from('203.0.113.1', RIGHT)
  // A refusal counts nothing: the lock does not grow by being tried.
  await assert.rejects(from('198.51.100.77', 'wrong password'), WRONG)
  for (let count = 0; count < 5; count++) await assert.rejects(from('198.51.100.78', 'wrong password'), LOCKED)
  await wait(60)
  await from('198.51.100.78', RIGHT)
  // A network that was not seen for long is a strange one.
  await parts.db.query(`update familiar_networks set last_at = now() - interval '91 days'`)
  await assert.rejects(from('198.51.100.79', 'wrong password'), WRONG)
  await assert.rejects(from(HOME, RIGHT), LOCKED)
})

test('failures are forgotten after a day, and their rows go', async (t) => {
  const { parts, wait } = await openAccounts(t)
  await addUser(parts.db, 'ada@example.com')
  const fail = (email: string) => assert.rejects(signIn(parts, email, { password: 'wrong password' }, HOME), WRONG)
  for (let count = 0; count <= OF_NETWORK.free; count++) await fail('ada@example.com')
  for (let count = 0; count < 5; count++) await fail(`nobody-${count}@example.com`)
  await wait(86_401)
  await fail('ada@example.com')
  const rows = await parts.db.query<{ failures: number }>('select failures from sign_in_attempts')
  assert.deepEqual(
    rows.map(({ failures }) => failures),
    [1, 1],
  )
})

test('what was typed is not kept in clear', async (t) => {
  const { parts } = await openAccounts(t)
  await assert.rejects(signIn(parts, 'my-password-by-mistake@x.y', { password: 'my password' }, HOME), WRONG)
  const kept = JSON.stringify(await parts.db.query(`select *, encode(key, 'escape') as text from sign_in_attempts`))
  assert.doesNotMatch(kept, /mistake|password|192\.0\.2/)
})

test('an attempt that could not be looked at is not a failure', async (t) => {
  const { parts } = await openAccounts(t)
  await addUser(parts.db, 'ada@example.com')
  const busy = { ...parts.passwords, matches: () => Promise.reject(new Error('no memory')) }
  for (let count = 0; count < 20; count++) {
    await assert.rejects(
      signIn({ ...parts, passwords: busy }, 'ada@example.com', { password: RIGHT }, HOME),
      /no memory/,
    )
  }
  await signIn(parts, 'ada@example.com', { password: RIGHT }, HOME)
})

test('who is signed in proves it again under the same count', async (t) => {
  const { parts } = await openAccounts(t)
  const userId = await addUser(parts.db, 'ada@example.com')
  await proveAgain(parts, userId, { password: RIGHT }, HOME, 'data')
  for (let count = 0; count <= OF_NETWORK.free; count++) {
    await assert.rejects(proveAgain(parts, userId, { password: 'wrong password' }, HOME, 'data'), {
      kind: 'invalid',
      message: 'data.password is not the current password',
    })
  }
  await assert.rejects(proveAgain(parts, userId, { password: RIGHT }, HOME, 'data'), LOCKED)
  await assert.rejects(signIn(parts, 'ada@example.com', { password: RIGHT }, HOME), LOCKED)
})

/** The same database, with every statement written down. */
function writtenDown(db: Database, said: string[]): Database {
  const watched = <Q extends Queryable>(queryable: Q): Q => {
    const query: Queryable['query'] = (text, values) => {
      said.push(textOf(text))
      return queryable.query(text, values)
    }
    const one: Queryable['one'] = (text, values) => {
      said.push(textOf(text))
      return queryable.one(text, values)
    }
    return { ...queryable, query, one }
  }
  return { ...watched(db), transaction: (work, options) => db.transaction((tx) => work(watched(tx)), options) }
}
