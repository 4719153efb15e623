/** A user's own account: what is changed and by whom, which sessions end, and who may go. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changePassword, deleteAccount, patchAccount, readAccount } from '../../server/access/account.ts'
import type { UserCaller } from '../../server/access/callers.ts'
import { requireGood } from '../../server/access/entry.ts'
import { signIn } from '../../server/access/sign-in.ts'
import { accountLimits, periodOf, readAccountSummary } from '../../server/executions/account-summary.ts'
import { readConfig } from '../../server/ground/config.ts'
import { addUser, openAccounts, RIGHT } from '../support/accounts.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { askOf } from '../support/standings.ts'

const HOME = '192.0.2.1'
const NOT_GOOD = { kind: 'unauthenticated', message: 'Invalid access token' }
const NEW = 'a new password'

const session = (userId: string, begunAt: Date, generation = 0): UserCaller => ({
  kind: 'user',
  userId,
  generation,
  session: { begunAt, ttlSeconds: 0 },
  scope: ['all.User'],
})

test('a new password ends the other sessions, unless it is not to, and the old one is no longer good', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  const change = (password: string, newPassword: string, invalidateExistingTokens?: boolean) =>
    changePassword(parts, userId, { password, newPassword, invalidateExistingTokens }, HOME)
  await assert.rejects(change('wrong password', NEW), { message: 'data.password is not the current password' })
  const before = await readAccount(db, userId)
  assert.deepEqual(await change(RIGHT, NEW), { userId, generation: 1 })
  assert.ok((await readAccount(db, userId)).passwordLastUpdated > before.passwordLastUpdated)
  await assert.rejects(requireGood(askOf(db), session(userId, new Date())), NOT_GOOD)
  await requireGood(askOf(db), session(userId, new Date(), 1))
  assert.equal((await signIn(parts, 'ada@example.com', { password: NEW }, HOME)).generation, 1)
  await assert.rejects(signIn(parts, 'ada@example.com', { password: RIGHT }, HOME), { kind: 'unauthenticated' })
  assert.deepEqual(await change(NEW, RIGHT, false), { userId, generation: 1 })
})

test('a cut-off ends the sessions that began before it, to the millisecond, and never moves back', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  const patch = (tokenCutoff: string) => patchAccount(parts, userId, { tokenCutoff }, HOME)
  const at = (text: string) => requireGood(askOf(db), session(userId, new Date(text)))
  await at('2020-01-01T00:00:00Z')
  await patch('2026-03-01T00:00:00.500Z')
  await assert.rejects(at('2026-03-01T00:00:00.499Z'), NOT_GOOD)
  await at('2026-03-01T00:00:00.500Z')
  await patch('2026-01-01T00:00:00Z')
  await assert.rejects(at('2026-02-01T00:00:00Z'), NOT_GOOD)
  assert.equal((await readAccount(db, userId)).tokenCutoff, '2026-03-01T00:00:00.500Z')
  // A token for programs is ended by itself.
  await db.query(
    `insert into api_tokens (id, user_id, creator_type, creator_id, creator_name, name, scope)
     values ('t1', $1, 'user', $1, 'Ada', 'a token', '{}')`,
    [userId],
  )
  await patch(new Date().toISOString())
  await requireGood(askOf(db), { kind: 'user', userId, tokenId: 't1', scope: [] })
  await assert.rejects(patch(new Date(Date.now() + 3_600_000).toISOString()), {
    message: 'user.tokenCutoff must not be in the future',
  })
  // A clock that is ahead says now.
  await patch(new Date(Date.now() + 60_000).toISOString())
  await new Promise((resolve) => setTimeout(resolve, 5))
  await requireGood(askOf(db), session(userId, new Date()))
})

test('what one tells of oneself is changed freely; address and password only by who proves it', async (t) => {
  const { parts, db } = await openAccounts(t)
  const userId = await addUser(db, 'ada@example.com')
  await addUser(db, 'Grace@example.com')
  const patch = (body: Parameters<typeof patchAccount>[2]) => patchAccount(parts, userId, body, HOME)
  await patch({ firstName: 'Ada', lastName: 'Lovelace', companyName: 'Engines', url: 'https://example.com' })
  await patch({ lastName: '', title: 'Countess' })
  await requireGood(askOf(db), session(userId, new Date('2020-01-01')))
  const { firstName, lastName, fullName, title, companyName } = {
    ...((await readAccount(db, userId)) as object),
  } as Record<string, string>
  assert.deepEqual(
    { firstName, lastName, fullName, title, companyName },
    {
      firstName: 'Ada',
      lastName: '',
      fullName: 'Ada',
      title: 'Countess',
      companyName: 'Engines',
    },
  )
  const currentCredentials = { password: RIGHT }
  const required = { message: 'user.currentCredentials is required to change email or password' }
  await assert.rejects(patch({ email: 'new@example.com', title: 'none' }), required)
  await assert.rejects(patch({ password: NEW }), required)
  await assert.rejects(patch({ email: 'new@example.com', currentCredentials: { password: 'wrong password' } }), {
    message: 'user.currentCredentials.password is not the current password',
  })
  await assert.rejects(patch({ email: 'grace@EXAMPLE.com', title: 'none', currentCredentials }), {
    kind: 'conflict',
    message: 'user.email is the address of another user',
  })
  await patch({ email: 'ADA@example.com', currentCredentials })
  await patch({ email: 'new@example.com', password: NEW, currentCredentials })
  assert.deepEqual(await signIn(parts, 'new@example.com', { password: NEW }, HOME), { userId, generation: 1 })
  assert.equal(JSON.stringify(await readAccount(db, userId)).includes('argon2'), false)
})

test('of two who take one address at once one gets it', async (t) => {
  const { parts, db } = await openAccounts(t)
  const users = [await addUser(db, 'ada@example.com'), await addUser(db, 'grace@example.com')]
  const change = { email: 'best@example.com', currentCredentials: { password: RIGHT } }
  const ends = await Promise.allSettled(users.map((userId) => patchAccount(parts, userId, change, HOME)))
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  for (const end of ends) if (end.status === 'rejected') assert.equal(end.reason.kind, 'conflict')
})

test('a user goes with their tokens, but not while they own applications or are the last owner', async (t) => {
  const { parts, db } = await openAccounts(t)
  const { ownerId: userId, id } = await makeApplication(db)
  const other = await addUser(db, 'grace@example.com')
  await db.query(`update users set email = 'ada@example.com', is_owner = true, password_hash = o.password_hash
    from (select password_hash from users where id = '${other}') o where id = '${userId}'`)
  const credentials = { email: 'Ada@Example.com', password: RIGHT }
  const go = () => deleteAccount(parts, userId, credentials, HOME)
  await assert.rejects(deleteAccount(parts, userId, { ...credentials, email: 'grace@example.com' }, HOME), {
    message: "credentials.email is not the user's own address",
  })
  await assert.rejects(go(), { kind: 'conflict', message: /^This is the last owner of the installation/ })
  await db.query('update users set is_owner = true')
  await assert.rejects(go(), { kind: 'conflict', message: /^This user owns 1 application / })
  await db.query('update applications set deleted_at = now()')
  await assert.rejects(go(), { kind: 'conflict', message: /still being removed/ })
  await db.query('delete from applications where id = $1', [id])
  await go()
  await assert.rejects(requireGood(askOf(db), session(userId, new Date())), NOT_GOOD)
  assert.equal((await db.query('select from users')).length, 1)
})

test('of two last owners who go at once one stays', async (t) => {
  const { parts, db } = await openAccounts(t)
  const users = [await addUser(db, 'ada@example.com'), await addUser(db, 'grace@example.com')]
  await db.query('update users set is_owner = true')
  const go = (userId: string, email: string) => deleteAccount(parts, userId, { email, password: RIGHT }, HOME)
  const ends = await Promise.allSettled([
    go(users[0] ?? '', 'ada@example.com'),
    go(users[1] ?? '', 'grace@example.com'),
  ])
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  assert.equal((await db.query('select from users where is_owner')).length, 1)
})

test("a summary counts what is in the user's own applications, where it is asked for", async (t) => {
  const { db } = await openAccounts(t)
  const { ownerId, id: applicationId } = await makeApplication(db)
  await makeDevice(db, { applicationId })
  await makeDevice(db, { applicationId })
  await makeDevice(db)
  const read = (query: object) => readAccountSummary(db, ownerId, query, new Date())
  assert.equal(await read({}), undefined)
  assert.deepEqual(await read({ summaryInclude: 'appCount,deviceCount,flowCount' }), { appCount: 1, deviceCount: 2 })
  const all = await read({ summaryExclude: 'payloadCount' })
  assert.deepEqual(all?.notebookStats, { awaitingCompletion: 0, minutesThisPeriod: 0, runsThisPeriod: 0 })
  assert.deepEqual([all?.apiTokenCount, all?.keyCount, all?.notebookCount], [0, 0, 0])
})

test('limits are told where there are some, and the period is the month', () => {
  const limits = (env: Record<string, string>) => accountLimits(readConfig(env, '/srv').limits)
  assert.deepEqual(limits({}), { notebookMinutesPerRun: 60, payload: 10_000_000 })
  const some = limits({ FIELDBOOK_NOTEBOOKS: '5', FIELDBOOK_MINUTES: '7', FIELDBOOK_PARALLEL: '2' })
  assert.deepEqual([some.notebook, some.notebookMinutesPerMonth, some.notebookInParallel], [5, 7, 2])
  assert.deepEqual(periodOf(new Date('2026-12-31T23:59:59Z')), {
    currentPeriodStart: '2026-12-01T00:00:00.000Z',
    currentPeriodEnd: '2027-01-01T00:00:00.000Z',
  })
})
