/** Access keys: made, found, changed and deleted. Signing in with them is in device-sign-in.test.ts. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ApplicationKeyPost } from '../../contract/application-keys.ts'
import type { Actor } from '../../server/access/callers.ts'
import { hashSecret } from '../../server/access/device-keys.ts'
import * as keys from '../../server/catalog/application-keys.ts'
import { newId } from '../../server/ground/ids.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

async function open(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId, ownerId } = await makeApplication(db)
  const actor: Actor = { type: 'user', id: ownerId }
  const make = (post: ApplicationKeyPost = {}) => keys.createApplicationKey(db, applicationId, actor, post)
  return { db, applicationId, actor, make }
}

test('a key is told with its secret once, and only a hash of that is kept', async (t) => {
  const { db, applicationId, actor, make } = await open(t)
  const { secret, ...made } = await make()
  const { id, key, creationDate, lastUpdated, ...rest } = made
  assert.deepEqual(rest, {
    applicationKeyId: id,
    applicationId,
    createdById: actor.id,
    createdByType: 'user',
    lastUpdatedById: actor.id,
    lastUpdatedByType: 'user',
    status: 'active',
    deviceIds: [],
    deviceTags: [],
    filterType: 'all',
    pubTopics: [],
    subTopics: [],
    addressFilterType: 'all',
    addresses: [],
  })
  assert.deepEqual(await keys.getApplicationKey(db, applicationId, id), made)
  assert.match(secret, /^[0-9a-f]{64}$/)
  const [row] = await db.query<{ row: string; secret_hash: Buffer }>(
    'select k::text as row, secret_hash from application_keys k',
  )
  assert.deepEqual(row?.secret_hash, hashSecret(secret))
  assert.equal(row?.row.includes(secret), false)
  const another = await make()
  assert.notEqual(another.key, key)
  assert.notEqual(another.secret, secret)
})

test('a key is changed where it says so, and by whom is told', async (t) => {
  const { db, applicationId, make } = await open(t)
  const { id: deviceId } = await makeDevice(db, { applicationId })
  const {
    secret: _,
    lastUpdated: __,
    ...made
  } = await make({
    name: 'n',
    description: 'd',
    deviceIds: [deviceId.toUpperCase(), deviceId],
    deviceTags: [{ key: 'floor' }],
    pubTopics: ['a'],
    addressFilterType: 'whitelist',
    addresses: ['10.0.0.0/8'],
  })
  assert.deepEqual(made.deviceIds, [deviceId])
  const by: Actor = { type: 'apiToken', id: newId() }
  const patch = { name: null, status: 'inactive', filterType: 'none', addresses: ['::1'] } as const
  const changed = await keys.patchApplicationKey(db, applicationId, made.id, by, { ...patch, addresses: ['::1'] })
  const { lastUpdated, name, ...rest } = changed
  const { name: ___, ...before } = made
  assert.deepEqual(rest, {
    ...before,
    status: 'inactive',
    filterType: 'none',
    addresses: ['::1'],
    lastUpdatedByType: 'apiToken',
    lastUpdatedById: by.id,
  })
  assert.equal(name, undefined)
  assert.deepEqual(await keys.patchApplicationKey(db, applicationId, made.id, by, {}), {
    ...changed,
    lastUpdated: (await keys.getApplicationKey(db, applicationId, made.id)).lastUpdated,
  })
  assert.ok(lastUpdated >= made.creationDate)
})

test('what a key can not be is refused by name', async (t) => {
  const { db, applicationId, actor, make } = await open(t)
  const { id: own } = await makeDevice(db, { applicationId })
  const { id: foreign } = await makeDevice(db)
  const { id: gone } = await makeDevice(db, { applicationId })
  await db.query('update devices set deleted_at = now() where id = $1', [gone])
  const cases: [ApplicationKeyPost, RegExp][] = [
    [{ deviceIds: [own, foreign] }, /^applicationKey\.deviceIds\.1 must be the id of a device of this application$/],
    [{ deviceIds: [gone] }, /^applicationKey\.deviceIds\.0 must be/],
    [{ deviceTags: [{ key: 'a' }, {}] }, /^applicationKey\.deviceTags\.1 must have a key, a value, or both$/],
    [{ addresses: ['10.0.0.1', '10.0.0.0/33'] }, /^applicationKey\.addresses\.1 must be an IPv4 or IPv6 address, or/],
  ]
  for (const [post, message] of cases) await assert.rejects(make(post), { kind: 'invalid', message })
  const { id } = await make()
  await assert.rejects(keys.patchApplicationKey(db, applicationId, id, actor, { addresses: ['x'] }), {
    kind: 'invalid',
  })
})

test('a key of another application is not found', async (t) => {
  const { db, applicationId, actor, make } = await open(t)
  const { id } = await make()
  const { id: foreign } = await makeApplication(db)
  const notFound = { kind: 'notFound', message: 'Application key was not found' }
  await assert.rejects(keys.getApplicationKey(db, foreign, id), notFound)
  await assert.rejects(keys.patchApplicationKey(db, foreign, id, actor, { status: 'inactive' }), notFound)
  await assert.rejects(keys.deleteApplicationKey(db, foreign, id), notFound)
  assert.equal((await keys.listApplicationKeys(db, foreign, {})).totalCount, 0)
  await keys.deleteApplicationKey(db, applicationId, id)
  await assert.rejects(keys.getApplicationKey(db, applicationId, id), notFound)
})

test('there are so many keys of an application and no more, also when several are made at once', async (t) => {
  const { db, applicationId, make } = await open(t)
  await db.query(
    `insert into application_keys (id, application_id, key, secret_hash, created_by_type, created_by_id, updated_by_type,
       updated_by_id)
     select lpad(n::text, 24, '0'), $1, n::text, '', 'user', 'u', 'user', 'u' from generate_series(2, $2) as n`,
    [applicationId, keys.MAX_KEYS],
  )
  // Connections that are there already: those who come at once really are at it at once.
  await Promise.all(Array.from({ length: 4 }, () => db.query('select pg_sleep(0.1)')))
  const all = await Promise.allSettled([make(), make(), make(), make()])
  assert.deepEqual(all.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected', 'rejected'])
  await assert.rejects(make(), {
    kind: 'full',
    limit: { name: 'applicationKeys', of: 'application', allowed: 10_000, used: 10_000 },
  })
})

test('keys are found by what a query asks of any of their fields', async (t) => {
  const { db, applicationId, actor, make } = await open(t)
  const { id: deviceId } = await makeDevice(db, { applicationId })
  const first = await make({
    name: 'first',
    description: 'of pumps',
    deviceIds: [deviceId],
    filterType: 'whitelist',
    pubTopics: ['a/b'],
    subTopics: ['#'],
    addressFilterType: 'blacklist',
    addresses: ['10.0.0.1'],
  })
  const second = await make({ deviceTags: [{ key: 'floor', value: '1' }] })
  await keys.patchApplicationKey(db, applicationId, second.id, actor, { status: 'inactive' })
  const find = async (query: object | string) => {
    const { items, ...page } = await keys.listApplicationKeys(db, applicationId, { query, filter: 'nothing' })
    assert.deepEqual(page.query, typeof query === 'string' ? JSON.parse(query) : query)
    return items.map(({ id }) => (id === first.id ? 1 : 2)).join('')
  }
  const cases: [object | string, string][] = [
    ['{}', '21'],
    [{ id: first.id.toUpperCase() }, '1'],
    [{ creationDate: first.creationDate, name: 'first' }, '1'],
    [{ lastUpdated: { $gt: '2020-01-01T00:00:00Z' } }, '21'],
    [{ status: 'inactive' }, '2'],
    [{ deviceIds: deviceId }, '1'],
    [{ deviceIds: null }, '2'],
    [{ deviceTags: { floor: '1' } }, '2'],
    [{ deviceTags: null }, '1'],
    [{ key: { $in: [first.key, second.key] } }, '21'],
    [{ name: null }, '2'],
    [{ description: { $contains: 'PUMP', $ci: true } }, '1'],
    [{ filterType: 'whitelist' }, '1'],
    [{ pubTopics: { $startsWith: 'a/' } }, '1'],
    [{ subTopics: { $ne: '#' } }, '2'],
    [{ addressFilterType: 'all' }, '2'],
    [{ addresses: '10.0.0.1' }, '1'],
    [{ $or: [{ status: 'inactive' }, { name: 'first' }] }, '21'],
  ]
  for (const [query, expected] of cases) assert.equal(await find(query), expected, JSON.stringify(query))
  await assert.rejects(find({ secret: 'x' }), { kind: 'invalid', message: /secret is not a field; allowed are id, / })
})
