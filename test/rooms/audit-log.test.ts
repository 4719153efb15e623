/** Who did what: what is written of a request and of a refusal, what never is, who may read it, and when it goes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry } from '../../contract/audit-log.ts'
import { dropDeeds, writeDeed, writeOutcome } from '../../server/access/deeds.ts'
import { newId } from '../../server/ground/ids.ts'
import { makeCallers } from '../support/callers.ts'
import { openDoor } from '../support/door.ts'
import { makeApplication, makeDevice, makePass } from '../support/make.ts'

const PASSWORD = 'the right password'
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$yjeCTJ6twxjBRWDBuSVXdg$gklFqKA271ReCANRTC7k0KCv3dqbOTN6IwBawytXviU'

async function openAudited(t: Parameters<typeof openDoor>[0]) {
  const door = await openDoor(t)
  const { ask, db, tokens, application, base } = door
  const callers = await makeCallers(db, tokens, application)
  const send = async (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    token?: string,
    more: object = {},
  ) => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...more }
    // PATCH is not among what the door of tests asks by itself.
    const reply = await ask(method as 'POST', path, body, headers)
    return { ...reply, body: JSON.parse(reply.text) }
  }
  const log = async (query = '', token?: string, path = `${base}/auditLog`) => {
    const { status, text, body } = await send('GET', `${path}${query}`, undefined, token)
    assert.equal(status, 200, text)
    return body as { items: AuditEntry[]; totalCount: number; count: number }
  }
  const makeOwner = () => db.query('update users set is_owner = true where id = $1', [application.ownerId])
  return { ...door, callers, send, log, makeOwner }
}

test('a deed is written with who, what, where from and how it ended, and without a value of its body', async (t) => {
  const { send, log, application, base, db } = await openAudited(t)
  const made = await send('POST', `${base}/devices`, { name: 'a telling name', description: 'x' }, undefined, {
    'idempotency-key': 'k',
  })
  const { id } = made.body
  await send('DELETE', `${base}/devices/${id}`)
  const { items, totalCount } = await log()
  assert.equal(totalCount, 2)
  const [last, first] = items
  const user = await db.one<{ email: string }>('select email from users where id = $1', [application.ownerId])
  const { id: entryId, creationDate, requestId, idempotencyId, ...rest } = first ?? assert.fail()
  assert.deepEqual(rest, {
    auditLogId: entryId,
    applicationId: application.id,
    actorType: 'User',
    actorId: application.ownerId,
    actorName: user?.email,
    requestResource: 'devices',
    requestAction: 'post',
    requestPathParams: { applicationId: application.id },
    responseStatus: 201,
    changedFields: ['name', 'description'],
    createdId: id,
    clientAddress: '127.0.0.1',
    count: 1,
  })
  assert.ok(Date.now() - Date.parse(creationDate) < 60_000)
  assert.equal(requestId, made.headers['x-request-id'])
  assert.match(String(idempotencyId), /^[0-9a-f]{24}$/)
  assert.deepEqual(
    [last?.requestAction, last?.responseStatus, last?.requestPathParams['deviceId'], last?.changedFields],
    ['delete', 200, id, []],
  )
  const text = await db.one<{ text: string }>('select jsonb_agg(audit_log)::text as text from audit_log')
  assert.doesNotMatch(String(text?.text), /telling/)
})

test('an earlier answer that is told again is no deed', async (t) => {
  const { send, log, base } = await openAudited(t)
  for (let turn = 0; turn < 3; turn += 1) {
    await send('POST', `${base}/devices`, { name: 'd' }, undefined, { 'idempotency-key': 'k' })
  }
  assert.equal((await log()).totalCount, 1)
})

test('whoever does it is named as they were called then', async (t) => {
  const { send, log, base, callers, db } = await openAudited(t)
  const make = (token: string) => send('POST', `${base}/events`, { level: 'info', subject: 's' }, token)
  assert.equal((await make(await callers.userToken(['all.User']))).status, 201)
  assert.equal((await make(await callers.applicationToken(['all.Application']))).status, 201)
  await db.query(`update api_tokens set name = 'renamed'`)
  const actors = (await log()).items.map(({ actorType, actorName }) => [actorType, actorName])
  assert.deepEqual(actors, [
    ['ApiToken', 'a token'],
    ['ApiToken', 'a token'],
  ])
})

test('who is refused in an application they see is in its log; strangers are not, nor is what is no refusal', async (t) => {
  const { send, log, base, callers, db, tokens } = await openAudited(t)
  const post = async (token: string) => (await send('POST', `${base}/devices`, { name: 'd' }, token)).status
  assert.equal(await post(await callers.viewer(['all.User'])), 403)
  assert.equal(await post(await callers.session(['all.User.read'])), 403)
  assert.equal(await post(await callers.applicationToken(['notebook.execute'])), 403)
  const { ownerId } = await makeApplication(db)
  const stranger = (scope: string[]) => tokens.sign({ kind: 'user', userId: ownerId, scope }, 0)
  assert.equal(await post(await stranger(['all.User'])), 404)
  assert.equal(await post(await stranger(['all.User.read'])), 403)
  assert.equal((await send('GET', `${base}/auditLog`, undefined, await callers.viewer(['all.User']))).status, 403)
  assert.equal((await send('POST', `${base}/devices`, { wrong: 1 })).status, 400)
  const { items } = await log()
  assert.deepEqual(
    items.map(({ actorType, responseStatus, requestAction }) => [actorType, responseStatus, requestAction]),
    [
      ['ApiToken', 403, 'post'],
      ['User', 403, 'post'],
      ['User', 403, 'post'],
    ],
  )
  const refused = await send('DELETE', `${base}/devices/${newId()}`)
  assert.equal(refused.status, 404)
  assert.equal((await log()).items[0]?.responseStatus, 404)
})

test('a user who is refused what only owners of the installation may is in the log of the installation', async (t) => {
  const { send, log, makeOwner, application } = await openAudited(t)
  assert.equal((await send('POST', '/users', { email: 'ann@example.com' })).status, 403)
  assert.equal((await send('GET', '/users')).status, 403)
  await makeOwner()
  const { items } = await log('', undefined, '/auditLog')
  assert.deepEqual(
    items.map(({ actorId, requestResource, responseStatus }) => [actorId, requestResource, responseStatus]),
    [[application.ownerId, 'users', 403]],
  )
})

test('a deed that failed, and one whose end nobody could write down, are there', async (t) => {
  const { send, log, base, db } = await openAudited(t)
  await db.query('alter table notebooks rename to gone')
  assert.equal((await send('POST', `${base}/notebooks`, { name: 'n' })).status, 500)
  await db.query('alter table gone rename to notebooks')
  // What the end is written with fails; the deed is done and answered all the same.
  await db.query(`alter table audit_log add check (status is distinct from 201)`)
  assert.equal((await send('POST', `${base}/devices`, { name: 'd' })).status, 201)
  const statuses = (await log()).items.map(({ responseStatus }) => responseStatus)
  assert.deepEqual(statuses, [undefined, 500])
  await db.query('alter table audit_log rename to gone')
  assert.equal((await send('POST', `${base}/devices`, { name: 'unwitnessed' })).status, 500)
  await db.query('alter table gone rename to audit_log')
  assert.equal((await send('GET', `${base}/devices?filterField=name&filter=unwitnessed`)).body.totalCount, 0)
})

test('a row waits for no disk, and says so for itself alone', async (t) => {
  const { db } = await openAudited(t)
  const deed = { applicationId: undefined, actor: undefined, operation: 'a.b', path: {}, fields: [] }
  const setting = async (query: typeof db.one) =>
    (await query<{ value: string }>(`select current_setting('synchronous_commit') as value`))?.value
  const write = (query: typeof db) => writeDeed(query, { ...deed, clientAddress: undefined, requestId: undefined })
  const id = await write(db)
  for (const work of [write, (tx: typeof db) => writeOutcome(tx, id, { status: 200 })]) {
    await db.transaction(async (tx) => {
      assert.equal(await setting(tx.one), 'on')
      await work({ ...db, ...tx })
      assert.equal(await setting(tx.one), 'off')
    })
  }
  assert.equal(await setting(db.one), 'on')
})

test('what programs do all the time is one entry for a minute, and what devices report is none', async (t) => {
  const { send, log, base, callers, db, application } = await openAudited(t)
  const other = await makeDevice(db, { applicationId: application.id })
  const report = (device: string, token?: string) =>
    send('POST', `${base}/devices/${device}/state`, { data: { a: 1 } }, token)
  const program = await callers.applicationToken(['all.Application'])
  for (const device of [callers.deviceId, other.id, other.id]) assert.equal((await report(device, program)).status, 200)
  assert.equal((await report(callers.deviceId, await callers.device(['all.Device']))).status, 200)
  assert.equal((await report(other.id, await callers.viewer(['all.User']))).status, 403)
  const { items } = await log()
  const counts = items.map(({ actorType, requestAction, responseStatus, count }) => [
    actorType,
    requestAction,
    responseStatus,
    count,
  ])
  assert.deepEqual(
    counts.toSorted((a, b) => String(a).localeCompare(String(b))),
    [
      ['ApiToken', 'sendState', 200, 3],
      ['User', 'sendState', 403, 1],
    ],
  )
  await report(other.id, program)
  assert.equal((await log(`?operation=device.sendState&actorId=${items[0]?.actorId}`)).totalCount, 1)
  const total = await db.one<{ sum: number }>('select sum(count)::int as sum from audit_log')
  assert.equal(total?.sum, 5)
})

test('sign-ins are in the log of the installation, with who they were about and never what was typed', async (t) => {
  const { send, log, db, application, makeOwner } = await openAudited(t)
  await makeOwner()
  const user = await db.one<{ email: string }>('update users set password_hash = $2 where id = $1 returning email', [
    application.ownerId,
    HASH,
  ])
  const email = user?.email
  const signIn = (credentials: object) => send('POST', '/auth/user', credentials)
  for (const password of ['wrong password', 'wrong again!'])
    assert.equal((await signIn({ email, password })).status, 401)
  assert.equal((await signIn({ email, password: PASSWORD })).status, 200)
  // Somebody whose password got into the wrong field.
  await signIn({ email: 'my-secret-password@x.yz', password: 'x'.repeat(10) })
  const { items } = await log('?operation=auth.*', undefined, '/auditLog')
  const told = items.map(({ actorId, actorType, responseStatus, count, clientAddress }) => [
    actorType,
    actorId,
    responseStatus,
    count,
    clientAddress,
  ])
  assert.deepEqual(
    told.toSorted((a, b) => String(a).localeCompare(String(b))),
    [
      [undefined, undefined, 401, 1, '127.0.0.1'],
      ['User', application.ownerId, 200, 1, '127.0.0.1'],
      ['User', application.ownerId, 401, 2, '127.0.0.1'],
    ],
  )
  const text = await db.one<{ text: string }>('select jsonb_agg(audit_log)::text as text from audit_log')
  assert.doesNotMatch(String(text?.text), /wrong|secret/)
})

test('the log of an application is for its admins, page by page, by time, operation and actor', async (t) => {
  const { send, log, base, application, callers } = await openAudited(t)
  for (const name of ['a', 'b', 'c']) await send('POST', `${base}/devices`, { name })
  await send('POST', `${base}/notebooks`, { name: 'n' })
  assert.equal((await log('?operation=devices.post')).totalCount, 3)
  assert.equal((await log('?operation=devices.*')).totalCount, 3)
  assert.equal((await log('?operation=device.*')).totalCount, 0)
  const newest = await log('?perPage=1')
  assert.deepEqual([newest.items[0]?.requestResource, newest.count, newest.totalCount], ['notebooks', 1, 4])
  const third = (await log('?perPage=1&page=2')).items[0]
  assert.equal(third?.requestResource, 'devices')
  const [at, later] = [third?.creationDate ?? '', new Date(Date.now() + 60_000).toISOString()]
  assert.equal((await log(`?start=${later}`)).totalCount, 0)
  assert.ok((await log(`?end=${at}`)).totalCount <= 2)
  assert.equal((await log(`?actorId=${application.ownerId.toUpperCase()}`)).totalCount, 4)
  assert.equal((await log(`?actorId=${newId()}`)).totalCount, 0)
  for (const query of ['start=never', 'operation=drop', 'actorId=x']) {
    assert.equal((await send('GET', `${base}/auditLog?${query}`)).status, 400, query)
  }
  assert.equal((await send('GET', '/auditLog')).status, 403)
  for (const token of [
    await callers.device(['all.Device']),
    await callers.applicationToken(['all.Application']),
  ] as const) {
    assert.equal((await send('GET', '/auditLog', undefined, token)).status, 403)
  }
})

test('a deleted application leaves its log to the owners of the installation, and its end in theirs', async (t) => {
  const { send, log, base, application, makeOwner, db } = await openAudited(t)
  await send('POST', `${base}/devices`, { name: 'd' })
  assert.equal((await send('DELETE', base)).status, 200)
  await db.query('delete from applications where id = $1', [application.id])
  await makeOwner()
  const { items } = await log('', undefined, '/auditLog')
  assert.deepEqual(
    items.map(({ requestResource, requestAction, applicationId }) => [requestResource, requestAction, applicationId]),
    [['application', 'delete', application.id]],
  )
  assert.equal((await log(`?applicationId=${application.id.toUpperCase()}`, undefined, '/auditLog')).totalCount, 2)
})

test('deeds go when they are old', async (t) => {
  const { send, log, base, db } = await openAudited(t)
  for (const name of ['a', 'b']) await send('POST', `${base}/devices`, { name })
  const year = 365 * 86_400_000
  await db.query(`update audit_log set at = now() - interval '366 days' where id = (select min(id) from audit_log)`)
  assert.deepEqual(await dropDeeds(db, makePass(0, true), year), { count: 1, bytes: 0 })
  assert.deepEqual(await dropDeeds(db, makePass(), year), { count: 1, bytes: 0 })
  assert.equal((await log()).totalCount, 1)
})
