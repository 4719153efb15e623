/** Users as owners of the installation manage them, asked of the real door: made, invited, changed, shut out, deleted. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { AuditEntry } from '../../contract/audit-log.ts'
import { newId } from '../../server/ground/ids.ts'
import { openInstallation } from '../support/installation.ts'
import { makeUser } from '../support/make.ts'
import { partOf, startSmtp } from '../support/smtp.ts'

const SECRET = 'a long enough password'

test('an owner makes users with a password, lists, finds and shuts them out; no password or hash is ever told', async (t) => {
  const { owner, anybody, ownerId } = await openInstallation(t)
  const made = await owner('POST', '/users', { email: 'Ann@Example.com', password: SECRET })
  assert.equal(made.status, 201, made.text)
  const { id, _type, _links, _actions, ...told } = made.body
  assert.deepEqual([_type, _links.self.href], ['user', `/users/${id}`])
  assert.equal(_actions.get.href, `/users/${id}`)
  assert.deepEqual(
    { ...told, creationDate: '' },
    {
      userId: id,
      email: 'Ann@Example.com',
      creationDate: '',
      isOwner: false,
      status: 'active',
      applicationCount: 0,
      twoFactorAuthEnabled: false,
      emailVerified: true,
    },
  )
  assert.equal((await owner('POST', '/users', { email: 'ann@example.COM', password: SECRET })).status, 409)
  const list = await owner('GET', '/users?filter=ann*&filterField=email')
  assert.deepEqual([list.body.items.map((one: { id: string }) => one.id), list.body.totalCount], [[id], 1])
  assert.deepEqual([list.body.filter, list.body.filterField], ['ann*', 'email'])
  const plain = await owner('GET', '/users?filter=ann*')
  assert.deepEqual([plain.body.filterField, plain.body.totalCount], ['email', 1])
  const all = await owner('GET', '/users?filter=%20')
  assert.deepEqual([all.body.filter, all.body.filterField, all.body.totalCount], [undefined, undefined, 2])
  const credentials = { email: 'ann@example.com', password: SECRET }
  const session = await anybody('POST', '/auth/user', credentials)
  assert.equal(session.body.userId, id)

  const shut = await owner('PATCH', `/users/${id}`, { isDisabled: true })
  assert.equal(shut.body.status, 'disabled', shut.text)
  assert.equal((await anybody('POST', '/auth/user', credentials)).status, 401)
  const open = await owner('PATCH', `/users/${id}`, { isDisabled: false })
  assert.equal(open.body.status, 'active')
  assert.equal((await anybody('POST', '/auth/user', credentials)).status, 200)
  for (const { text } of [made, list, shut, open]) assert.ok(!/argon2|password/.test(text), text)
  const { body } = await owner('GET', `/users/${ownerId}`)
  assert.deepEqual([body.isOwner, body.applicationCount], [true, 1])
})

test('only owners may, with tokens for everything', async (t) => {
  const { db, as, tokenOf, tokens, ownerId } = await openInstallation(t)
  const stranger = await makeUser(db)
  const calls: ['GET' | 'POST' | 'PATCH' | 'DELETE', string, object?][] = [
    ['GET', '/users'],
    ['POST', '/users', { email: 'new@example.com' }],
    ['GET', `/users/${stranger}`],
    ['PATCH', `/users/${stranger}`, { isOwner: true }],
    ['POST', `/users/${ownerId}/invitation`],
    ['POST', `/users/${ownerId}/transfer`, { userId: stranger }],
    ['DELETE', `/users/${stranger}`],
  ]
  const narrow = ['all.User.bounded', 'only.User', 'users.*', 'user.*', 'all.Application', 'all.Organization']
  const bounded = as(await tokenOf(ownerId, narrow))
  const reads = as(await tokenOf(ownerId, ['all.User.read']))
  const nobody = as(await tokenOf(stranger))
  for (const [method, url, body] of calls) {
    assert.equal((await nobody(method, url, body)).status, 403, `${method} ${url}`)
    assert.equal((await bounded(method, url, body)).status, 403, `${method} ${url} bounded`)
    assert.equal((await reads(method, url, body)).status, method === 'GET' ? 200 : 403, `${method} ${url} reads`)
  }
  const tokenId = newId()
  await db.query(
    `insert into api_tokens (id, user_id, creator_type, creator_id, creator_name, name, scope)
     values ($1, $2, 'user', $2, 'x', 'x', '{}')`,
    [tokenId, ownerId],
  )
  const program = as(await tokens.sign({ kind: 'user', userId: ownerId, tokenId, scope: ['all.User'] }, 0))
  assert.equal((await program('PATCH', `/users/${stranger}`, { isOwner: true })).body.isOwner, true)
})

test('an invitation is used once, within its week, and its secret is nowhere in the database', async (t) => {
  const { db, owner, anybody, as } = await openInstallation(t)
  const { body: made } = await owner('POST', '/users', { email: 'ann@example.com' })
  assert.equal(made.status, 'invited')
  const { secret, url, mail, expiresAt } = made.invitation
  assert.match(url, /^http:.*\/invitations\/accept$/)
  assert.deepEqual(mail, { status: 'notSent', reason: 'there is no mail server (FIELDBOOK_SMTP_URL)' })
  assert.ok(Math.abs(Date.parse(expiresAt) - Date.now() - 7 * 86_400_000) < 60_000)
  assert.equal((await owner('GET', `/users/${made.id}`)).body.invitationEndsAt, expiresAt)
  const dump = JSON.stringify([await db.query('select * from invitations'), await db.query('select * from deliveries')])
  assert.ok(!dump.includes(secret))

  const accept = (given: string, password = SECRET) =>
    anybody('POST', '/invitations/accept', { secret: given, password })
  assert.equal((await anybody('POST', '/auth/user', { email: 'ann@example.com', password: SECRET })).status, 401)
  assert.equal((await accept(`${secret}x`)).status, 401)
  const tooShort = await accept(secret, 'short')
  assert.deepEqual([tooShort.status, tooShort.body.type], [400, 'Validation'])
  const both = await Promise.all([accept(secret), accept(secret)])
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 401])
  const { body: session } = both.find(({ status }) => status === 200) ?? both[0]
  assert.equal(session.userId, made.id)
  assert.equal((await as(session.token)('GET', '/applications')).status, 200)
  assert.equal((await accept(secret)).status, 401)
  assert.equal((await anybody('POST', '/auth/user', { email: 'ann@example.com', password: SECRET })).status, 200)
})

test('a second factor stays when a password is chosen anew, until an owner ends it', async (t) => {
  const { owner, anybody, db } = await openInstallation(t)
  const { body: made } = await owner('POST', '/users', { email: 'ann@example.com', password: SECRET })
  await db.query(`insert into two_factor (user_id, secret) values ($1, '\\x00')`, [made.id])
  assert.equal((await owner('GET', `/users/${made.id}`)).body.twoFactorAuthEnabled, true)
  const { body: invitation } = await owner('POST', `/users/${made.id}/invitation`)
  const password = 'another long password'
  const accepted = await anybody('POST', '/invitations/accept', { secret: invitation.secret, password })
  assert.deepEqual([accepted.status, accepted.body.type], [401, 'TwoFactorRequired'])
  assert.match(accepted.body.message, /^The password is set; sign in with it/)
  const { body: log } = await owner('GET', '/auditLog?operation=invitations.accept')
  assert.deepEqual(
    log.items.map((entry: AuditEntry) => [entry.actorType, entry.actorId, entry.responseStatus]),
    [['User', made.id, 200]],
  )
  const signIn = () => anybody('POST', '/auth/user', { email: 'ann@example.com', password })
  assert.deepEqual((await signIn()).body.type, 'TwoFactorRequired')
  const ended = await owner('PATCH', `/users/${made.id}`, { twoFactorAuthEnabled: false })
  assert.equal(ended.body.twoFactorAuthEnabled, false, ended.text)
  assert.equal((await signIn()).status, 200)
})

test('an invitation is void when its time is over, when there is a newer one, and for whoever is shut out', async (t) => {
  const { db, owner, anybody } = await openInstallation(t)
  const { body: made } = await owner('POST', '/users', { email: 'ann@example.com' })
  const accept = async (secret: string) =>
    (await anybody('POST', '/invitations/accept', { secret, password: SECRET })).status
  const renew = async () => (await owner('POST', `/users/${made.id}/invitation`)).body.secret
  const second = await renew()
  assert.equal(await accept(made.invitation.secret), 401)
  await db.query('update invitations set expires_at = now()')
  assert.equal(await accept(second), 401)
  const third = await renew()
  await db.query('update users set disabled_at = now() where id = $1', [made.id])
  assert.equal(await accept(third), 401)
  assert.equal((await owner('POST', `/users/${made.id}/invitation`)).status, 409)
  await owner('PATCH', `/users/${made.id}`, { isDisabled: false })
  assert.equal(await accept(third), 200)
  const fourth = await renew()
  // Somebody who found the link must not undo a password that was set meanwhile.
  await owner('PATCH', `/users/${made.id}`, { password: 'another password' })
  assert.equal(await accept(fourth), 401)
})

test('an invitation is mailed where there is a mail server, to whom it may be', async (t) => {
  const smtp = await startSmtp(t, { refuse: 1 })
  const { owner } = await openInstallation(t, {
    FIELDBOOK_SMTP_URL: smtp.url,
    FIELDBOOK_MAIL_TO: '@example.com',
    FIELDBOOK_PUBLIC_URL: 'https://fieldbook.example.com',
  })
  const refused = await owner('POST', '/users', { email: 'ann@example.com' })
  assert.match(refused.body.invitation.mail.reason, /451 not now/)
  const { body } = await owner('POST', `/users/${refused.body.id}/invitation`)
  assert.deepEqual(body.mail, { status: 'sent' })
  const [mail] = smtp.mails
  assert.deepEqual(mail?.to, ['ann@example.com'])
  const text = mail ? partOf(mail, 'text/plain') : ''
  assert.ok(text.includes(body.secret) && text.includes('https://fieldbook.example.com/invitations/accept'), text)
  const elsewhere = await owner('POST', '/users', { email: 'bob@example.org' })
  assert.match(elsewhere.body.invitation.mail.reason, /FIELDBOOK_MAIL_TO/)
  assert.equal(smtp.mails.length, 1)
})

test('a new password and an order to end sessions end them all, and nobody else’s', async (t) => {
  const { owner, as, tokenOf, db } = await openInstallation(t)
  const [ann, bob] = [await makeUser(db), await makeUser(db)]
  const sessions = async () =>
    Promise.all([ann, bob].map(async (id) => (await as(await tokenOf(id))('GET', '/applications')).status))
  assert.deepEqual(await sessions(), [200, 200])
  assert.equal((await owner('PATCH', `/users/${ann}`, { endSessions: true })).status, 200)
  assert.deepEqual(await sessions(), [401, 200])
  assert.equal((await as(await tokenOf(ann, ['all.User'], 1))('GET', '/applications')).status, 200)
  await owner('PATCH', `/users/${ann}`, { password: SECRET })
  assert.equal((await as(await tokenOf(ann, ['all.User'], 1))('GET', '/applications')).status, 401)
  const { generation } =
    (await db.one<{ generation: number }>('select generation from users where id = $1', [ann])) ?? {}
  assert.equal(generation, 2)
})

test('the last owner who can sign in stays one, also when two go for each other at once', async (t) => {
  const { owner, as, tokenOf, ownerId, db } = await openInstallation(t)
  const refused = async (change: object) => {
    const { status, body } = await owner('PATCH', `/users/${ownerId}`, change)
    assert.deepEqual([status, /last owner/.test(body.message)], [409, true])
  }
  await refused({ isOwner: false })
  await refused({ isDisabled: true })
  assert.equal((await owner('DELETE', `/users/${ownerId}`)).status, 409)
  // One who was invited can't sign in yet.
  const invited = await owner('POST', '/users', { email: 'ann@example.com', isOwner: true })
  await refused({ isOwner: false })
  await owner('PATCH', `/users/${invited.body.id}`, { password: SECRET })
  const other = as(await tokenOf(invited.body.id, ['all.User'], 1))
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all([
      owner('PATCH', `/users/${invited.body.id}`, { isOwner: false }),
      other('PATCH', `/users/${ownerId}`, { isOwner: false }),
    ])
    const left = await db.query('select id from users where is_owner')
    assert.equal(left.length, 1, answers.map(({ text }) => text).join('\n'))
    await db.query('update users set is_owner = true')
  }
})

test('a user who owns applications is deleted when these were transferred, and leaves no share', async (t) => {
  const { owner, application, ownerId, as, tokenOf, db } = await openInstallation(t)
  const { body: ann } = await owner('POST', '/users', { email: 'ann@example.com', password: SECRET, isOwner: true })
  const other = as(await tokenOf(ann.id))
  const share = 'insert into application_members (application_id, user_id, role) values ($1, $2, $3)'
  await db.query(share, [application.id, ann.id, 'viewer'])
  const refusal = await other('DELETE', `/users/${ownerId}`)
  assert.equal(refusal.status, 409)
  assert.match(refusal.body.message, /owns 1 application \("a plant"\); transfer them by POST \/users\/\w+\/transfer/)
  assert.equal((await other('POST', `/users/${ownerId}/transfer`, { userId: newId() })).status, 400)
  assert.equal((await other('POST', `/users/${newId()}/transfer`, { userId: ann.id })).status, 404)
  assert.equal((await other('POST', `/users/${ownerId}/transfer`, { userId: ownerId })).status, 400)
  const moved = await other('POST', `/users/${ownerId}/transfer`, { userId: ann.id })
  assert.deepEqual(moved.body, { transferred: 1 })
  assert.equal((await other('GET', `/applications/${application.id}`)).body.ownerId, ann.id)
  assert.equal((await owner('GET', `/applications/${application.id}`)).status, 404)
  assert.deepEqual(await db.query('select * from application_members'), [])
  await db.query(share, [application.id, ownerId, 'viewer'])
  assert.equal((await other('DELETE', `/users/${ownerId}`)).status, 200)
  assert.equal((await other('GET', `/users/${ownerId}`)).status, 404)
  assert.equal((await owner('GET', '/applications')).status, 401)
  assert.deepEqual(await db.query('select * from application_members'), [])
})
