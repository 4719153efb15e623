/** Sharing applications, asked of the real door: what offers show and hide, who may change a share, and who owns it. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { hashPassword } from '../../server/access/passwords.ts'
import { newId } from '../../server/ground/ids.ts'
import { RIGHT } from '../support/accounts.ts'
import { openInstallation } from '../support/installation.ts'
import { makeUser } from '../support/make.ts'

/** An application of an owner, and two further users. */
async function openShared(t: TestContext) {
  const installation = await openInstallation(t)
  const { db, as, tokenOf, base } = installation
  const person = async () => {
    const id = await makeUser(db)
    return { id, email: `${id}@example.com`, ask: as(await tokenOf(id)) }
  }
  return { ...installation, path: `${base}/members`, ann: await person(), bob: await person() }
}

test('a share works at once, is joined by looking, and ends at once', async (t) => {
  const { owner, path, base, ann, application, ownerId } = await openShared(t)
  assert.equal((await ann.ask('GET', base)).status, 404)
  const made = await owner('POST', path, { email: ann.email.toUpperCase(), role: 'viewer' })
  assert.equal(made.status, 201, made.text)
  const { creationDate, ...told } = made.body
  assert.deepEqual(told, { email: ann.email, role: 'viewer', status: 'offered' })
  assert.equal((await ann.ask('GET', `${base}/devices`)).status, 200)
  assert.equal((await owner('GET', path)).body.items[1].status, 'offered')

  const list = await ann.ask('GET', '/applications')
  assert.deepEqual(
    list.body.items.map(({ id }: { id: string }) => id),
    [application.id],
  )
  const { body: members } = await ann.ask('GET', path)
  assert.equal(members.count, 2)
  assert.deepEqual(
    members.items.map(({ creationDate: _, ...member }: { creationDate: string }) => member),
    [
      { userId: ownerId, email: `${ownerId}@example.com`, role: 'admin', status: 'owner' },
      { userId: ann.id, email: ann.email, role: 'viewer', status: 'joined' },
    ],
  )
  assert.equal((await ann.ask('POST', `${base}/devices`, { name: 'a pump' })).status, 403)
  assert.equal((await owner('PATCH', `${path}/${ann.id}`, { role: 'editor' })).body.role, 'editor')
  assert.equal((await ann.ask('POST', `${base}/devices`, { name: 'a pump' })).status, 201)
  assert.equal((await owner('DELETE', `${path}/${ann.id}`)).status, 200)
  assert.equal((await ann.ask('GET', `${base}/devices`)).status, 404)
  assert.deepEqual((await ann.ask('GET', '/applications')).body.items, [])
})

test('who shares learns nothing of who is there: answers and lists are the same for addresses with and without a user', async (t) => {
  const { owner, path, ann } = await openShared(t)
  const [known, unknown] = [ann.email, `${newId()}@example.com`]
  const trace = async (email: string) => {
    const seen: unknown[] = []
    const see = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object) => {
      const { status, text } = await owner(method, url, body)
      seen.push([method, status, text.replaceAll(email, 'EMAIL').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')])
    }
    await see('POST', path, { email, role: 'viewer' })
    await see('POST', path, { email, role: 'editor' })
    await see('GET', path)
    await see('PATCH', `${path}/${email}`, { role: 'admin' })
    await see('GET', path)
    await see('DELETE', `${path}/${ann.id}`)
    await see('DELETE', `${path}/${email}`)
    await see('DELETE', `${path}/${email}`)
    await see('GET', path)
    return seen
  }
  const told = await trace(known)
  assert.deepEqual(told, await trace(unknown))
  assert.equal(told.length, 9)
})

test('an offer waits for its user, and an offer by id is not seen to be somebody’s address', async (t) => {
  const { owner, as, tokenOf, path, base, ann } = await openShared(t)
  await owner('POST', path, { email: 'new@example.com', role: 'editor' })
  const { body: made } = await owner('POST', '/users', { email: 'New@example.com', password: 'a long password' })
  const [item] = (await owner('GET', path)).body.items.slice(1)
  assert.deepEqual(
    { ...item, creationDate: '' },
    { email: 'new@example.com', role: 'editor', status: 'offered', creationDate: '' },
  )
  assert.equal((await as(await tokenOf(made.id))('GET', base)).status, 200)
  assert.equal((await owner('GET', path)).body.items[1].userId, made.id)

  await owner('POST', path, { userId: ann.id, role: 'viewer' })
  const again = await owner('POST', path, { email: ann.email, role: 'admin' })
  assert.deepEqual([again.status, again.body.email, again.body.userId], [201, ann.email, undefined])
  const offers = (await owner('GET', path)).body.items.filter(({ status }: { status: string }) => status === 'offered')
  assert.deepEqual(
    offers.map(({ userId, email }: { userId?: string; email?: string }) => userId ?? email),
    [ann.id, ann.email],
  )
  assert.equal((await ann.ask('POST', path, { email: 'x@example.com', role: 'viewer' })).status, 403)
})

test('an address that one gave oneself takes nothing that is offered to it, until an owner vouches for it', async (t) => {
  const { owner, path, base, ann, bob, db } = await openShared(t)
  await db.query('update users set password_hash = $2 where id = $1', [ann.id, await hashPassword(RIGHT)])
  const call = async (email: string) => {
    const { status, body, text } = await ann.ask('PATCH', '/me', { email, currentCredentials: { password: RIGHT } })
    assert.equal(status, 200, text)
    return body.emailVerified
  }
  await owner('POST', path, { email: 'waiting@example.com', role: 'admin' })
  assert.equal((await ann.ask('GET', '/me')).body.emailVerified, true)
  assert.equal(await call(ann.email.toUpperCase()), true, 'capitals are no other address')
  assert.equal(await call('waiting@example.com'), false, 'nor is it taken when it waits already')
  assert.equal(await call('Boss@Example.com'), false)
  const offer = await owner('POST', path, { email: 'boss@example.com', role: 'admin' })
  assert.deepEqual([offer.status, offer.body.status], [201, 'offered'], offer.text)
  assert.equal((await ann.ask('GET', base)).status, 404)
  assert.deepEqual((await ann.ask('GET', '/applications')).body.items, [])

  // A member by that name is not the one who is meant either.
  await owner('POST', path, { userId: ann.id, role: 'viewer' })
  assert.equal((await ann.ask('GET', base)).status, 200)
  const changed = await owner('PATCH', `${path}/boss@example.com`, { role: 'editor' })
  assert.deepEqual([changed.body.status, changed.body.role], ['offered', 'editor'], changed.text)
  assert.equal((await ann.ask('POST', `${base}/devices`, { name: 'a pump' })).status, 403)
  assert.equal((await owner('DELETE', `${path}/${ann.id}`)).status, 200)

  assert.equal((await owner('GET', `/users/${ann.id}`)).body.emailVerified, false)
  const vouched = await owner('PATCH', `/users/${ann.id}`, { email: 'boss@example.com' })
  assert.equal(vouched.body.emailVerified, true, vouched.text)
  assert.equal((await ann.ask('POST', `${base}/devices`, { name: 'a pump' })).status, 201)
  await owner('POST', path, { email: bob.email, role: 'viewer' })
  assert.equal((await bob.ask('GET', base)).status, 200)
})

test('only admins share; nobody raises themselves; members may leave', async (t) => {
  const { owner, path, base, ann, bob, ownerId } = await openShared(t)
  const share = async (role: string) => {
    await owner('POST', path, { userId: ann.id, role })
    await owner('PATCH', `${path}/${ann.id}`, { role })
    assert.equal((await ann.ask('GET', base)).status, 200)
  }
  for (const role of ['viewer', 'editor']) {
    await share(role)
    assert.equal((await ann.ask('PATCH', `${path}/${ann.id}`, { role: 'admin' })).status, 403)
    assert.equal((await ann.ask('POST', path, { userId: ann.id, role: 'admin' })).status, 403)
    assert.equal((await ann.ask('POST', path, { userId: bob.id, role: 'viewer' })).status, 403)
    assert.equal((await ann.ask('DELETE', `${path}/${ownerId}`)).status, 403)
    assert.equal((await ann.ask('POST', `${base}/owner`, { userId: ann.id })).status, 403)
    assert.equal((await ann.ask('DELETE', `${path}/${ann.id}`)).status, 200)
    assert.equal((await ann.ask('GET', base)).status, 404)
  }
  await share('admin')
  assert.equal((await ann.ask('POST', path, { userId: bob.id, role: 'viewer' })).status, 201)
  assert.equal((await ann.ask('DELETE', `${path}/${bob.id}`)).status, 200)
  // An admin is no owner.
  assert.equal((await ann.ask('POST', `${base}/owner`, { userId: ann.id })).status, 403)
  for (const method of ['PATCH', 'DELETE'] as const) {
    const { status } = await ann.ask(method, `${path}/${ownerId}`, method === 'PATCH' ? { role: 'viewer' } : undefined)
    assert.equal(status, 409)
  }
  assert.equal((await ann.ask('POST', path, { userId: ownerId, role: 'viewer' })).status, 409)
  assert.equal((await owner('DELETE', `${path}/${ownerId}`)).status, 404)
})

test('an owner gives an application to a member who has joined, and stays as an admin', async (t) => {
  const { owner, path, base, ann, bob, ownerId } = await openShared(t)
  const give = (userId: string) => owner('POST', `${base}/owner`, { userId })
  assert.equal((await give(ann.id)).status, 400)
  await owner('POST', path, { email: ann.email, role: 'viewer' })
  assert.equal((await give(ann.id)).status, 400, 'an offer is no member')
  await ann.ask('GET', '/applications')
  assert.equal((await give(ann.id)).status, 200)
  const { items } = (await ann.ask('GET', path)).body
  assert.deepEqual(
    items.map(({ userId, role, status }: Record<string, string>) => [userId, role, status]),
    [
      [ann.id, 'admin', 'owner'],
      [ownerId, 'admin', 'joined'],
    ],
  )
  assert.equal((await give(bob.id)).status, 403)
  assert.equal((await ann.ask('DELETE', `${path}/${ownerId}`)).status, 200)
  assert.equal((await owner('GET', base)).status, 404)
})

test('a member says who is meant once, by address or id, and an application has room for so many', async (t) => {
  const { owner, path, ann, db, application } = await openShared(t)
  for (const body of [{}, { userId: ann.id, email: ann.email }]) {
    const { status, body: told } = await owner('POST', path, { ...body, role: 'viewer' })
    assert.deepEqual([status, told.message], [400, 'member must have either email or userId'])
  }
  assert.equal((await owner('POST', path, { email: ann.email, role: 'owner' })).status, 400)
  assert.equal((await owner('POST', path, { userId: newId(), role: 'viewer' })).status, 404)
  await db.query(
    `insert into application_offers (application_id, email, role) select $1, n || '@example.com', 'viewer' from generate_series(1, 499) n`,
    [application.id],
  )
  const { status, body } = await owner('POST', path, { email: ann.email, role: 'viewer' })
  assert.deepEqual([status, body.type, body.limit.allowed], [403, 'LimitExceeded', 500])
})
