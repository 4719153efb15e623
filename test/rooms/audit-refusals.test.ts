/** Refusals that are written down: of devices whose key is for some addresses, and of what is about no application. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeCallers } from '../support/callers.ts'
import { openDoor } from '../support/door.ts'
import { makeDevice } from '../support/make.ts'

async function open(t: TestContext) {
  const { app, db, tokens, application, base } = await openDoor(t)
  const callers = await makeCallers(db, tokens, application)
  const ask = async (method: 'POST' | 'DELETE', url: string, token: string, remoteAddress = '127.0.0.1') => {
    const headers = { authorization: `Bearer ${token}` }
    const payload = url === '/users' ? { email: 'n@example.com' } : { name: 'n' }
    const body = method === 'POST' ? { payload } : {}
    return (await app.inject({ method, url, headers, remoteAddress, ...body })).statusCode
  }
  const rows = (applicationId: string | null) =>
    db.query<{ actor_type: string; actor_id: string; operation: string; status: number; client_address: string }>(
      `select actor_type, actor_id, operation, status, client_address from audit_log
       where application_id is not distinct from $1 order by at, id`,
      [applicationId],
    )
  return { db, application, base, callers, ask, rows }
}

test('a device whose key is for some addresses is in the log when it is refused, from one of them', async (t) => {
  const { db, application, base, callers, ask, rows } = await open(t)
  await db.query('update application_keys set told = told || $1::jsonb', [
    JSON.stringify({ addressFilterType: 'whitelist', addresses: ['127.0.0.1'] }),
  ])
  const token = await callers.device(['all.Device'])
  const { id: other } = await makeDevice(db, { applicationId: application.id })
  assert.equal(await ask('POST', `${base}/notebooks`, token), 403)
  assert.equal(await ask('DELETE', `${base}/devices/${other}`, token), 403)
  // From elsewhere the token is good for nothing, and nobody is named by it.
  assert.equal(await ask('POST', `${base}/notebooks`, token, '192.0.2.1'), 403)
  const device = { actor_type: 'device', actor_id: callers.deviceId, status: 403, client_address: '127.0.0.1' }
  assert.deepEqual(await rows(application.id), [
    { ...device, operation: 'notebooks.post' },
    { ...device, operation: 'device.delete' },
  ])
})

test('who is refused what is about no application is in the log of the installation, if their token is good', async (t) => {
  const { db, application, callers, ask, rows } = await open(t)
  await db.query('update users set is_owner = true where id = $1', [application.ownerId])
  const [tokenId, userTokenId] = callers.tokenIds
  const [program, narrow] = [await callers.applicationToken(['all.Application']), await callers.userToken(['me.get'])]
  await db.query(`update api_tokens set status = 'inactive'`)
  assert.equal(await ask('POST', '/users', narrow), 403)
  await db.query(`update api_tokens set status = 'active'`)
  assert.equal(await ask('POST', '/users', program), 403)
  assert.equal(await ask('POST', '/me/tokens', program), 403)
  assert.equal(await ask('POST', '/users', narrow), 403)
  assert.equal(await ask('POST', '/me/tokens', await callers.session(['all.User.read'])), 403)
  assert.equal(await ask('POST', '/users', await callers.device(['all.Device'])), 403)
  const told = (await rows(null)).map(({ actor_id, operation, status }) => [actor_id, operation, status])
  assert.deepEqual(told, [
    [tokenId, 'users.post', 403],
    [tokenId, 'userApiTokens.post', 403],
    [userTokenId, 'users.post', 403],
    [application.ownerId, 'userApiTokens.post', 403],
    [callers.deviceId, 'users.post', 403],
  ])
  assert.deepEqual(await rows(application.id), [])
})
