/** Who may make access keys: those who may all that a key gives, and whose token does not end before it. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeCallers } from '../support/callers.ts'
import { openDoor } from '../support/door.ts'

async function open(t: TestContext) {
  const door = await openDoor(t)
  const { db, tokens, application, ask, base } = door
  const callers = await makeCallers(db, tokens, application)
  const make = async (token: string) => {
    const { status, text } = await ask('POST', `${base}/keys`, { name: 'made' }, { authorization: `Bearer ${token}` })
    return { status, message: JSON.parse(text).message }
  }
  const made = async () =>
    (await db.one<{ count: number }>(`select count(*)::int from application_keys where name = 'made'`))?.count
  return { ...door, callers, make, made }
}

test('a token that may less than devices makes no key, which would give it the rest', async (t) => {
  const { callers, make, made } = await open(t)
  const signers = [callers.session, callers.userToken, callers.applicationToken]
  const small = [
    ['applicationKeys.post'],
    ['applicationKeys.*'],
    ['applicationKeys.post', 'all.Device.read'],
    ['applicationKeys.post', 'device.*', 'devices.*'],
  ]
  for (const sign of signers) {
    for (const scope of small) {
      const refused = await make(await sign(scope))
      assert.deepEqual(refused, {
        status: 403,
        message:
          'An access key gives its devices all that all.Device allows, which is more than this token may; make it with one that may as much',
      })
    }
  }
  assert.equal(await made(), 0)
  for (const scope of [['applicationKeys.post', 'all.Device'], ['all.Application.bounded'], ['all.Application']]) {
    for (const sign of signers) assert.equal((await make(await sign(scope))).status, 201, String(scope))
  }
  assert.equal(await made(), 9)
})

test('a token that ends makes no key, which would not; a session does', async (t) => {
  const { db, tokens, application, callers, make, made } = await open(t)
  await db.query(`update api_tokens set expires_at = '2999-01-01T00:00:00Z'`)
  for (const token of [await callers.userToken(['all.User']), await callers.applicationToken(['all.Application'])]) {
    assert.deepEqual(await make(token), {
      status: 403,
      message:
        'An access key has no end, and the token it is made with ends at 2999-01-01T00:00:00.000Z; make it with one that does not end, or signed in',
    })
  }
  assert.equal(await made(), 0)
  const session = { kind: 'user', userId: application.ownerId, generation: 0, scope: ['all.User'] } as const
  assert.equal((await make(await tokens.sign(session, 3600))).status, 201)
})
