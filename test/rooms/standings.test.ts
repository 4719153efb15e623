/** What is remembered of callers: it spares the question, and is forgotten when anything of the answer changes. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Caller } from '../../server/access/callers.ts'
import { openStandings } from '../../server/access/standings.ts'
import { newId } from '../../server/ground/ids.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const scope = ['all.User']

/** The memory over a database that counts what it is asked. */
async function open(t: TestContext) {
  const db = await openTestDatabase(t)
  let asked = 0
  const counting: Database = {
    ...db,
    one: (text, values) => {
      asked += 1
      return db.one(text, values)
    },
  }
  const standings = await openStandings(counting)
  t.after(() => standings[Symbol.asyncDispose]())
  const { id: applicationId, ownerId } = await makeApplication(db)
  const owner: Caller = { kind: 'user', userId: ownerId, generation: 0, scope }
  return { db, standings, applicationId, owner, ownerId, asked: () => asked }
}

test('who is somebody is asked for once; who is nobody, and devices, each time', async (t) => {
  const { db, standings, applicationId, owner, asked } = await open(t)
  for (const _ of [1, 2, 3]) {
    assert.deepEqual(await standings.of(owner, applicationId), { is_good: true, role: 'admin' })
    assert.deepEqual(await standings.of(owner, null), { is_good: true, role: null })
  }
  assert.equal(asked(), 2)
  for (const _ of [1, 2]) assert.deepEqual(await standings.of(owner, newId()), { is_good: true, role: null })
  for (const _ of [1, 2]) assert.equal((await standings.of({ ...owner, generation: 1 }, null))?.is_good, false)
  assert.equal(asked(), 6)
  const { id: deviceId } = await makeDevice(db, { applicationId })
  const device: Caller = { kind: 'device', applicationId, deviceId, keyId: newId(), scope }
  for (const _ of [1, 2]) assert.equal(await standings.of(device, applicationId), undefined)
  assert.equal(asked(), 8)
  standings.forget()
  await standings.of(owner, applicationId)
  assert.equal(asked(), 9)
})

test('what another service changes is known here', async (t) => {
  const { db, standings, applicationId, owner, ownerId } = await open(t)
  const tokenId = newId()
  await db.query(
    `insert into api_tokens (id, application_id, creator_type, creator_id, creator_name, name, scope)
     values ($1, $2, 'user', 'u', 'u', 'a token', '{}')`,
    [tokenId, applicationId],
  )
  const { ownerId: guestId } = await makeApplication(db)
  await db.query(`insert into application_members (application_id, user_id, role) values ($1, $2, 'admin')`, [
    applicationId,
    guestId,
  ])
  const token: Caller = { kind: 'application', applicationId, tokenId, scope }
  const guest: Caller = { kind: 'user', userId: guestId, generation: 0, scope }
  const changes: [Caller, string, string][] = [
    [token, `update api_tokens set status = 'inactive' where id = $1`, tokenId],
    [guest, `update application_members set role = 'viewer' where user_id = $1`, guestId],
    [guest, 'delete from application_members where user_id = $1', guestId],
    [owner, 'update users set generation = 1 where id = $1', ownerId],
    [{ ...owner, generation: 1 }, 'update applications set deleted_at = now() where id = $1', applicationId],
  ]
  for (const [caller, statement, id] of changes) {
    const before = await standings.of(caller, applicationId)
    assert.ok(before?.is_good && before.role !== null, statement)
    await db.query(statement, [id])
    await until(async () => {
      const now = await standings.of(caller, applicationId)
      return now?.is_good !== true || now.role !== before.role
    })
  }
})

test('while nobody listens nothing is remembered, and what was is forgotten', async (t) => {
  const { db, standings, applicationId, owner, asked } = await open(t)
  await standings.of(owner, applicationId)
  const listener = `from pg_stat_activity where datname = current_database() and query like 'listen "standings"%'`
  await db.query(`select pg_terminate_backend(pid) ${listener}`)
  await until(async () => {
    const before = asked()
    await standings.of(owner, applicationId)
    return asked() > before
  })
  await until(async () => (await db.query(`select 1 ${listener}`)).length === 1)
  await until(async () => {
    await standings.of(owner, applicationId)
    const before = asked()
    await standings.of(owner, applicationId)
    return asked() === before
  })
})
