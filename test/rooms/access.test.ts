/** Who gets in: passwords, tokens and the secrets behind them. */

import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openLinkSecret } from '../../server/access/secrets.ts'
import { signIn } from '../../server/access/sign-in.ts'
import { openTokens, type Tokens } from '../../server/access/tokens.ts'
import { ensureFirstUser } from '../../server/access/users.ts'
import { openAccounts } from '../support/accounts.ts'
import { makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const CALLER = { kind: 'user', userId: 'u1', generation: 0, scope: ['all.User.read'] } as const

/** Who a token says is calling, but for when it was made. */
async function told(tokens: Tokens, token: string) {
  const caller = await tokens.verify(token)
  assert.ok(caller.kind === 'user')
  const { session: _, ...rest } = caller
  return rest
}

const keysFolder = async (t: TestContext) => join(await makeFolder(t), 'keys')

test('a token tells who is calling, also after a restart', async (t) => {
  const folder = await keysFolder(t)
  const token = await (await openTokens(folder)).sign(CALLER, 0)
  assert.deepEqual(await told(await openTokens(folder), token), CALLER)
})

test('a token ends when its time is over, and never when it has none', async (t) => {
  const tokens = await openTokens(await keysFolder(t))
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-03-01T00:00:00Z') })
  const [short, endless] = [await tokens.sign(CALLER, 60), await tokens.sign(CALLER, 0)]
  t.mock.timers.setTime(Date.parse('2026-03-01T00:00:59.999Z'))
  // Twice: the second time it is remembered, and must end all the same.
  for (const _ of [1, 2]) assert.deepEqual(await told(tokens, short), CALLER)
  t.mock.timers.setTime(Date.parse('2026-03-01T00:01:00Z'))
  await assert.rejects(tokens.verify(short), { kind: 'unauthenticated', message: 'Access token has expired' })
  t.mock.timers.setTime(Date.parse('2126-03-01T00:00:00Z'))
  assert.deepEqual(await told(tokens, endless), CALLER)
})

test('a session is told when it began and for how long', async (t) => {
  const tokens = await openTokens(await keysFolder(t))
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-03-01T00:00:00.250Z') })
  const times = async (ttl: number) => {
    const caller = await tokens.verify(await tokens.sign(CALLER, ttl))
    return caller.kind === 'user' && caller.session
  }
  const begunAt = new Date('2026-03-01T00:00:00.250Z')
  assert.deepEqual(await times(60), { begunAt, ttlSeconds: 60 })
  assert.deepEqual(await times(0), { begunAt, ttlSeconds: 0 })
})

test('a session that is refreshed goes on: it began when it was signed in to', async (t) => {
  const tokens = await openTokens(await keysFolder(t))
  const begun = Date.parse('2026-03-01T00:00:00.250Z')
  t.mock.timers.enable({ apis: ['Date'], now: begun })
  let token = await tokens.sign(CALLER, 60)
  for (let turn = 1; turn <= 3; turn += 1) {
    t.mock.timers.setTime(begun + turn * 40_000)
    const caller = await tokens.verify(token)
    assert.ok(caller.kind === 'user' && caller.session)
    assert.deepEqual(caller.session, { begunAt: new Date(begun), ttlSeconds: 60 })
    token = await tokens.sign(caller, caller.session.ttlSeconds)
  }
  t.mock.timers.setTime(begun + 179_000)
  await tokens.verify(token)
})

test('a token that was not signed here is not valid', async (t) => {
  const tokens = await openTokens(await keysFolder(t))
  const foreign = await (await openTokens(await keysFolder(t))).sign(CALLER, 0)
  const own = await tokens.sign(CALLER, 0)
  const [header = '', payload = '', signature = ''] = own.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const forged = [
    foreign,
    '',
    'nothing',
    '..',
    `${header}.${payload}.`,
    `${header}.${encode({ ...claims, sub: 'another' })}.${signature}`,
    `${header}.${encode({ ...claims, scope: ['all.User'] })}.${signature}`,
    `${encode({ alg: 'none' })}.${payload}.`,
    `${encode({ alg: 'HS256' })}.${payload}.${signature}`,
  ]
  for (const token of forged) {
    assert.deepEqual(await told(tokens, own), CALLER)
    await assert.rejects(tokens.verify(token), { kind: 'unauthenticated', message: 'Invalid access token' }, token)
  }
})

test('keys are for their owner only, and stay the same', async (t) => {
  const folder = await keysFolder(t)
  const secret = await openLinkSecret(folder)
  await openTokens(folder)
  assert.equal(secret.length, 32)
  assert.deepEqual(await openLinkSecret(folder), secret)
  assert.notDeepEqual(await openLinkSecret(await keysFolder(t)), secret)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  for (const name of ['link-secret', 'token-keys.1.json']) {
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
  }
  await writeFile(join(folder, 'link-secret'), 'short')
  assert.equal((await openLinkSecret(folder)).length, 32)
  assert.equal((await readFile(join(folder, 'link-secret'))).length, 32)
})

test('an empty installation gets one user, whose password is given or made', async (t) => {
  const { parts } = await openAccounts(t)
  const given = parts.db
  assert.equal(await ensureFirstUser(given, 'Ada@Example.com', 'long enough'), undefined)
  const { userId, generation } = await signIn(parts, 'ada@example.COM', { password: 'long enough' }, '10.0.0.1')
  assert.equal(generation, 0)
  assert.match(userId, /^[0-9a-f]{24}$/)
  assert.equal(await ensureFirstUser(given, 'second@example.com', undefined), undefined)
  assert.equal((await given.query('select id from users')).length, 1)

  const made = await openTestDatabase(t)
  const password = await ensureFirstUser(made, 'ada@example.com', undefined)
  assert.match(password ?? '', /^[\w-]{16}$/)
  await signIn({ ...parts, db: made }, 'ada@example.com', { password: password ?? '' }, '10.0.0.1')
})
