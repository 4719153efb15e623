/** API tokens: what they may be made with, by whom, how many, and what goes with whom they belong to. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ApiToken, ApiTokenPost } from '../../contract/api-tokens.ts'
import type { Caller } from '../../server/access/callers.ts'
import { requireGood } from '../../server/access/entry.ts'
import { openTokens } from '../../server/access/tokens.ts'
import * as apiTokens from '../../server/catalog/api-tokens.ts'
import { newId } from '../../server/ground/ids.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { askOf } from '../support/standings.ts'

const OPERATIONS = [
  { path: '/applications/:applicationId/tokens', scopes: ['all.Application', 'all.User', 'applicationApiTokens.post'] },
  { path: '/applications/:applicationId/notebooks', scopes: ['all.Application', 'all.User', 'notebooks.get'] },
  { path: '/applications/:applicationId/devices', scopes: ['all.Application', 'all.User', 'devices.get'] },
  { path: '/me', scopes: ['all.User', 'only.User', 'me.get'] },
]

async function open(t: TestContext) {
  const db = await openTestDatabase(t)
  const tokens = await openTokens(await makeFolder(t))
  const { id: applicationId, ownerId } = await makeApplication(db)
  const making = { db, tokens, operations: OPERATIONS }
  const owner: apiTokens.TokenOwner = { type: 'application', id: applicationId }
  const user: Caller = { kind: 'user', userId: ownerId, scope: ['all.User'] }
  const make = (post: Partial<ApiTokenPost> = {}, caller: Caller = user, of = owner, now = new Date()) =>
    apiTokens.createApiToken(making, of, caller, { name: 'a token', ...post }, now)
  const callerOf = ({ token = '' }: ApiToken) => tokens.verify(token)
  return { db, tokens, applicationId, ownerId, owner, user, make, callerOf }
}

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()

test('a token says whose it is, and is told once', async (t) => {
  const { db, make, callerOf, applicationId, ownerId, owner } = await open(t)
  const { token: _, ...its } = await make({ description: 'x', scope: ['notebooks.get'], expirationDate: inDays(1) })
  const made = await make()
  assert.deepEqual(await callerOf(made), {
    kind: 'application',
    applicationId,
    tokenId: made.id,
    scope: ['all.Application'],
  })
  assert.deepEqual(await apiTokens.getApiToken(db, owner, its.id), its)
  assert.deepEqual([its.creatorType, its.creatorId, its.creatorName], ['user', ownerId, `${ownerId}@example.com`])
  const mine = await make({}, undefined, { type: 'user', id: ownerId })
  assert.deepEqual(await callerOf(mine), { kind: 'user', userId: ownerId, tokenId: mine.id, scope: ['all.User'] })
  const kept = await db.query<{ row: string }>('select t::text as row from api_tokens t')
  assert.equal(
    kept.some(({ row }) => row.includes(made.token ?? '?')),
    false,
  )
})

test('a token of one owner is not found by another, whatever is asked of it', async (t) => {
  const { db, make, ownerId, owner } = await open(t)
  const [its, mine] = [await make(), await make({}, undefined, { type: 'user', id: ownerId })]
  const { id: foreign, ownerId: another } = await makeApplication(db)
  const pairs: [apiTokens.TokenOwner, string][] = [
    [{ type: 'application', id: foreign }, its.id],
    [{ type: 'user', id: another }, mine.id],
    [{ type: 'user', id: ownerId }, its.id],
    [owner, mine.id],
    [owner, newId()],
  ]
  const notFound = { kind: 'notFound', message: 'API token was not found' }
  for (const [of, id] of pairs) {
    await assert.rejects(apiTokens.getApiToken(db, of, id), notFound)
    await assert.rejects(apiTokens.patchApiToken(db, of, id, { status: 'inactive' }), notFound)
    await assert.rejects(apiTokens.deleteApiToken(db, of, id), notFound)
    assert.equal(
      (await apiTokens.listApiTokens(db, of, {})).items.some((item) => item.id === id),
      false,
    )
  }
  assert.equal((await apiTokens.getApiToken(db, owner, its.id)).status, 'active')
})

test('a token makes none that may do more or lasts longer than itself', async (t) => {
  const { make, callerOf } = await open(t)
  const ending = inDays(2)
  const small = await callerOf(
    await make({ name: 'maker', scope: ['applicationApiTokens.post', 'notebooks.get'], expirationDate: ending }),
  )
  await assert.rejects(make({}, small), { kind: 'forbidden', message: /and all\.Application would/ })
  const asked = { scope: ['notebooks.get'] }
  const tooLong = {
    kind: 'forbidden',
    message: `A token may last no longer than the one it is made with: apiToken.expirationDate is ${ending} at most`,
  }
  await assert.rejects(make(asked, small), tooLong)
  await assert.rejects(make({ ...asked, expirationDate: inDays(3) }, small), tooLong)
  const made = await make({ ...asked, expirationDate: ending }, small)
  assert.deepEqual([made.creatorType, made.creatorName, made.expirationDate], ['apiToken', 'maker', ending])
})

test('what a token may not be is refused by name', async (t) => {
  const { make, ownerId } = await open(t)
  const noOrganizations = /must be left out: there are no organizations here/
  const cases: [Partial<ApiTokenPost>, RegExp][] = [
    [{ scope: ['notebooks.gets'] }, /^apiToken\.scope\.0 is not a scope .* notebooks\.get/],
    [{ expirationDate: new Date().toISOString() }, /^apiToken\.expirationDate must be a time to come$/],
    [{ expirationDate: '2026-06-30T23:59:60Z' }, /^apiToken\.expirationDate must be a time to come$/],
    [{ orgRoles: [{}] }, noOrganizations],
    [{ defaultRole: 'view' }, noOrganizations],
  ]
  for (const [post, message] of cases) {
    await assert.rejects(make(post), { kind: 'invalid', message })
    await assert.rejects(make(post, undefined, { type: 'user', id: ownerId }), { kind: 'invalid', message })
  }
  assert.equal((await make({ orgRoles: [] })).status, 'active')
})

test('there are so many tokens of one owner and no more, also when several are made at once', async (t) => {
  const { db, make, applicationId, ownerId } = await open(t)
  await db.query(
    `insert into api_tokens (id, application_id, creator_type, creator_id, creator_name, name, scope)
     select lpad(n::text, 24, '0'), $1, 'user', 'u', 'u', 'n', '{}' from generate_series(2, $2) as n`,
    [applicationId, apiTokens.MAX_TOKENS],
  )
  // Connections that are there already: those who come at once really are at it at once.
  await Promise.all(Array.from({ length: 4 }, () => db.query('select pg_sleep(0.1)')))
  const all = await Promise.allSettled([make(), make(), make(), make()])
  assert.deepEqual(all.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected', 'rejected'])
  await assert.rejects(make(), {
    kind: 'full',
    message: 'There are 1000 API tokens of this application, and at most 1000 are allowed; delete one first',
    limit: { name: 'apiTokens', of: 'application', allowed: 1000, used: 1000 },
  })
  await make({}, undefined, { type: 'user', id: ownerId })
})

test('the tokens of an application and of a user go with them', async (t) => {
  const { db, make, callerOf, applicationId, ownerId } = await open(t)
  const { ownerId: another } = await makeApplication(db)
  const its = await callerOf(await make())
  const mine = await callerOf(await make({}, undefined, { type: 'user', id: another }))
  await requireGood(askOf(db), its)
  await requireGood(askOf(db), mine)
  await db.query('delete from applications where id <> $1', [applicationId])
  await db.query('delete from users where id = $1', [another])
  await requireGood(askOf(db), its)
  await assert.rejects(requireGood(askOf(db), mine), { kind: 'unauthenticated' })
  await db.query('delete from applications where id = $1', [applicationId])
  await assert.rejects(requireGood(askOf(db), its), { kind: 'unauthenticated' })
  await db.query('delete from users where id = $1', [ownerId])
  assert.deepEqual(await db.query('select from api_tokens'), [])
})

test('a token ends with its time', async (t) => {
  const { db, make, callerOf } = await open(t)
  const now = new Date()
  const made = await make({ expirationDate: new Date(now.getTime() + 90_000).toISOString() }, undefined, undefined, now)
  await requireGood(askOf(db), await callerOf(made))
  t.mock.timers.enable({ apis: ['Date'], now: now.getTime() + 89_000 })
  await callerOf(made)
  t.mock.timers.setTime(now.getTime() + 91_000)
  await assert.rejects(callerOf(made), { kind: 'unauthenticated', message: 'Access token has expired' })
})
