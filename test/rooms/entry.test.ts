/** Who is let into an application, and for how long: users who own it or share it, its tokens, its devices. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from '../../server/access/callers.ts'
import { enter, requireGood } from '../../server/access/entry.ts'
import { newId } from '../../server/ground/ids.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { askOf } from '../support/standings.ts'

const scope = ['all.User']
const NOT_FOUND = { kind: 'notFound', message: 'Application was not found' }
const NOT_GOOD = { kind: 'unauthenticated', message: 'Invalid access token' }

test('an owner and those it is shared with may what their role says; others see nothing', async (t) => {
  const db = await openTestDatabase(t)
  const { id, ownerId } = await makeApplication(db)
  const { ownerId: another } = await makeApplication(db)
  const owner: Caller = { kind: 'user', userId: ownerId, scope }
  const guest: Caller = { kind: 'user', userId: another, scope }
  await enter(askOf(db), owner, id, 'admin')
  await assert.rejects(enter(askOf(db), guest, id, 'viewer'), NOT_FOUND)
  await assert.rejects(enter(askOf(db), owner, newId(), 'viewer'), NOT_FOUND)

  const share = 'insert into application_members (application_id, user_id, role) values ($1, $2, $3)'
  await db.query(share, [id, another, 'editor'])
  await enter(askOf(db), guest, id, 'viewer')
  await enter(askOf(db), guest, id, 'editor')
  await assert.rejects(enter(askOf(db), guest, id, 'admin'), {
    kind: 'forbidden',
    message: 'This needs the role admin in the application; yours is editor',
  })
  await db.query('delete from application_members where user_id = $1', [another])
  await assert.rejects(enter(askOf(db), guest, id, 'viewer'), NOT_FOUND)
  await db.query('update applications set deleted_at = now() where id = $1', [id])
  await assert.rejects(enter(askOf(db), owner, id, 'viewer'), NOT_FOUND)
})

test('a user who was shut out, is gone, or whose sessions were ended is not good at once', async (t) => {
  const db = await openTestDatabase(t)
  const { id, ownerId } = await makeApplication(db)
  const session: Caller = { kind: 'user', userId: ownerId, generation: 0, scope }
  const good = async (caller: Caller) => {
    await requireGood(askOf(db), caller)
    await enter(askOf(db), caller, id, 'viewer')
  }
  const refused = async (caller: Caller) => {
    await assert.rejects(requireGood(askOf(db), caller), NOT_GOOD)
    await assert.rejects(enter(askOf(db), caller, id, 'viewer'), NOT_GOOD)
  }
  await good(session)
  await db.query('update users set generation = 1 where id = $1', [ownerId])
  await refused(session)
  await good({ ...session, generation: 1 })
  await db.query('update users set disabled_at = now() where id = $1', [ownerId])
  await refused({ ...session, generation: 1 })
  await refused({ ...session, userId: newId() })
})

const TOKEN = `insert into api_tokens (id, application_id, user_id, creator_type, creator_id, creator_name, name, scope)
  values ($1, $2, $3, 'user', 'u', 'u', 'a token', '{}')`

test('a token is good for its own application or its own user until it is revoked or its time is over', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId, ownerId } = await makeApplication(db)
  const { id: foreign, ownerId: another } = await makeApplication(db)
  const [mine, its] = [newId(), newId()]
  await db.query(TOKEN, [mine, null, ownerId])
  await db.query(TOKEN, [its, applicationId, null])
  const callers: Caller[] = [
    { kind: 'user', userId: ownerId, tokenId: mine, scope },
    { kind: 'application', applicationId, tokenId: its, scope },
  ]
  const forged: Caller[] = [
    { kind: 'user', userId: another, tokenId: mine, scope },
    { kind: 'application', applicationId: foreign, tokenId: its, scope },
    { kind: 'application', applicationId, tokenId: mine, scope },
  ]
  for (const caller of forged) await assert.rejects(enter(askOf(db), caller, foreign, 'viewer'), NOT_GOOD)
  for (const [index, caller] of callers.entries()) {
    const tokenId = [mine, its][index]
    await enter(askOf(db), caller, applicationId, 'admin')
    await assert.rejects(enter(askOf(db), caller, foreign, 'viewer'), NOT_FOUND)
    await db.query(`update api_tokens set status = 'inactive' where id = $1`, [tokenId])
    await assert.rejects(enter(askOf(db), caller, applicationId, 'viewer'), NOT_GOOD)
    await db.query(`update api_tokens set status = 'active', expires_at = now() where id = $1`, [tokenId])
    await assert.rejects(enter(askOf(db), caller, applicationId, 'viewer'), NOT_GOOD)
    await db.query('delete from api_tokens where id = $1', [tokenId])
    await assert.rejects(requireGood(askOf(db), caller), NOT_GOOD)
  }
})

test('a device is good while it is there and its key is active, in its own application only', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const { id: foreign } = await makeApplication(db)
  const { id: deviceId } = await makeDevice(db, { applicationId })
  const { id: stranger } = await makeDevice(db, { applicationId: foreign })
  const keyId = newId()
  await db.query(
    `insert into application_keys (id, application_id, key, secret_hash, created_by_type, created_by_id, updated_by_type,
       updated_by_id) values ($1, $2, 'k', '', 'user', 'u', 'user', 'u')`,
    [keyId, applicationId],
  )
  const caller: Caller = { kind: 'device', applicationId, deviceId, keyId, scope: ['all.Device'] }
  await enter(askOf(db), caller, applicationId, 'editor')
  await assert.rejects(enter(askOf(db), caller, applicationId, 'admin'), { kind: 'forbidden' })
  await assert.rejects(enter(askOf(db), caller, foreign, 'viewer'), NOT_FOUND)
  await assert.rejects(enter(askOf(db), { ...caller, deviceId: stranger }, applicationId, 'viewer'), NOT_GOOD)
  await db.query(`update application_keys set status = 'inactive'`)
  await assert.rejects(enter(askOf(db), caller, applicationId, 'viewer'), NOT_GOOD)
  await db.query(`update application_keys set status = 'active'`)
  await db.query('update devices set deleted_at = now() where id = $1', [deviceId])
  await assert.rejects(enter(askOf(db), caller, applicationId, 'viewer'), NOT_GOOD)
})
