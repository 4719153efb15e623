/** Devices sign in with an access key: whom it lets in, from where, and what becomes of those who go on failing. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ApplicationKeyPost, MadeApplicationKey } from '../../contract/application-keys.ts'
import type { Actor } from '../../server/access/callers.ts'
import { checkDeviceKey } from '../../server/access/device-keys.ts'
import { createKeyAttempts, OF_DEVICE } from '../../server/access/key-attempts.ts'
import * as keys from '../../server/catalog/application-keys.ts'
import { newId } from '../../server/ground/ids.ts'
import { openDoor } from '../support/door.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const WRONG = { kind: 'unauthenticated', message: 'The device, key or secret is wrong' }
const LOCAL = '127.0.0.1'

async function open(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId, ownerId } = await makeApplication(db)
  const actor: Actor = { type: 'user', id: ownerId }
  const clock = { now: 0 }
  const attempts = createKeyAttempts(() => clock.now)
  const make = (post: ApplicationKeyPost = {}) => keys.createApplicationKey(db, applicationId, actor, post)
  const device = async (tags: { key: string; value: string }[] = []) =>
    (await makeDevice(db, { applicationId, tags })).id
  const signIn = (deviceId: string, key: Partial<MadeApplicationKey>, address = LOCAL) =>
    checkDeviceKey(db, attempts, { deviceId, ...key }, { client: address, address })
  return { db, applicationId, actor, clock, make, device, signIn }
}

test('a key lets in the devices it is for, and nobody else', async (t) => {
  const { db, applicationId, make, device, signIn } = await open(t)
  const [one, two, tagged] = [await device(), await device(), await device([{ key: 'floor', value: '1' }])]
  const { id: stranger } = await makeDevice(db)
  const cases: [ApplicationKeyPost, string[], string[]][] = [
    [{}, [one, two, tagged], [stranger, newId()]],
    [{ deviceIds: [one] }, [one, one.toUpperCase()], [two, tagged, stranger]],
    [{ deviceTags: [{ key: 'floor', value: '1' }] }, [tagged], [one, two]],
    [{ deviceTags: [{ key: 'floor' }] }, [tagged], [one]],
    [{ deviceTags: [{ value: '1' }] }, [tagged], [one]],
    [{ deviceTags: [{ key: 'floor', value: '2' }] }, [], [one, tagged]],
    [{ deviceIds: [one], deviceTags: [{ key: 'floor' }] }, [one, tagged], [two]],
  ]
  for (const [post, inside, outside] of cases) {
    const key = await make(post)
    for (const id of inside) {
      const { told: _, ...found } = await signIn(id, key)
      assert.deepEqual(found, {
        keyId: key.id,
        applicationId,
        deviceId: id.toLowerCase(),
        deviceClass: 'standalone',
      })
    }
    for (const id of outside) await assert.rejects(signIn(id, key), WRONG, JSON.stringify(post))
  }
})

test('whatever is wrong is answered alike', async (t) => {
  const { db, applicationId, actor, make, device, signIn } = await open(t)
  const [id, key, other] = [await device(), await make(), await make()]
  await signIn(id, key)
  const wrong: [string, Partial<MadeApplicationKey>][] = [
    [id, { key: key.key, secret: other.secret }],
    [id, { key: other.key, secret: key.secret }],
    [id, { key: key.id, secret: key.secret }],
    [id, { key: 'unknown', secret: key.secret }],
    [id, { key: key.key }],
    [id, { secret: key.secret }],
    [id, {}],
    [id, { key: key.key, secret: key.secret.toUpperCase() }],
  ]
  for (const [deviceId, given] of wrong) await assert.rejects(signIn(deviceId, given), WRONG, JSON.stringify(given))

  await keys.patchApplicationKey(db, applicationId, key.id, actor, { status: 'inactive' })
  await assert.rejects(signIn(id, key), WRONG)
  await keys.patchApplicationKey(db, applicationId, key.id, actor, { status: 'active' })
  await signIn(id, key)
  await db.query('update devices set deleted_at = now() where id = $1', [id])
  await assert.rejects(signIn(id, key), WRONG)
  await db.query('update devices set deleted_at = null')
  await db.query('update applications set deleted_at = now()')
  await assert.rejects(signIn(id, key), WRONG)
  await db.query('update applications set deleted_at = null')
  await keys.deleteApplicationKey(db, applicationId, key.id)
  await assert.rejects(signIn(id, key), WRONG)
})

test('a key may be for some addresses only, or for all but some', async (t) => {
  const { make, device, signIn } = await open(t)
  const id = await device()
  const inside = await make({ addressFilterType: 'whitelist', addresses: ['10.0.0.0/8', '::1'] })
  await signIn(id, inside, '10.1.2.3')
  await signIn(id, inside, '::ffff:10.1.2.3')
  await assert.rejects(signIn(id, inside, LOCAL), WRONG)
  const outside = await make({ addressFilterType: 'blacklist', addresses: ['10.0.0.0/8'] })
  await signIn(id, outside)
  await assert.rejects(signIn(id, outside, '10.1.2.3'), WRONG)
  await signIn(id, await make({ addressFilterType: 'all', addresses: ['10.0.0.0/8'] }))
})

test('a device that goes on failing waits longer each time, and keeps no other out', async (t) => {
  const { clock, make, device, signIn } = await open(t)
  const [bad, good, key] = [await device(), await device(), await make()]
  const failing = { key: key.key, secret: 'wrong' }
  for (let failures = 0; failures <= OF_DEVICE.free; failures++) await assert.rejects(signIn(bad, failing), WRONG)
  const waits = (retryAfterSeconds: number) => ({ kind: 'limited', retryAfterSeconds })
  await assert.rejects(signIn(bad, failing), waits(1))
  await assert.rejects(signIn(bad, key), waits(1), 'the right secret waits as well')
  await signIn(good, key)
  await signIn(bad, key, '10.0.0.1')
  clock.now += 1000
  await assert.rejects(signIn(bad, failing), WRONG)
  await assert.rejects(signIn(bad, failing), waits(2))
  for (let waited = 2; waited < 512; waited *= 2) {
    clock.now += waited * 1000
    await assert.rejects(signIn(bad, failing), WRONG)
  }
  clock.now += 512_000
  await assert.rejects(signIn(bad, failing), WRONG)
  await assert.rejects(signIn(bad, failing), waits(900))
  clock.now += 900_000
  await signIn(bad, key)
  await assert.rejects(signIn(bad, failing), WRONG, 'a success is a new beginning')
  await signIn(bad, key)
})

test('when waiting begins tells nobody which keys and devices there are, and which belong together', async (t) => {
  const { make, device, signIn } = await open(t)
  const [covered, beside] = [await device(), await device()]
  const { key } = await make({ deviceIds: [covered] })
  const guesses: [string, string][] = [
    [covered, key],
    [beside, key],
    [newId(), key],
    [newId(), key],
    [covered, 'unknown'],
    [beside, 'unknown'],
    [covered, 'another'],
  ]
  const ends = guesses.map((): unknown[] => [])
  for (let n = 0; n < OF_DEVICE.free + 3; n++) {
    for (const [index, [id, given]] of guesses.entries()) {
      const spelled = n % 2 === 0 ? id : id.toUpperCase()
      const end = await signIn(spelled, { key: given, secret: 'x' }).catch(({ kind }: { kind: string }) => kind)
      ends[index]?.push(end)
    }
  }
  const expected = [...Array(OF_DEVICE.free + 1).fill('unauthenticated'), 'limited', 'limited']
  for (const [index, seen] of ends.entries()) assert.deepEqual(seen, expected, String(guesses[index]))
})

test('a key for one address of IPv6 is for that one, and failures count for its network', async (t) => {
  const { app, db, application } = await openDoor(t)
  const actor: Actor = { type: 'user', id: application.ownerId }
  const { id: deviceId } = await makeDevice(db, { applicationId: application.id })
  const make = (post: ApplicationKeyPost) => keys.createApplicationKey(db, application.id, actor, post)
  const ask = async (given: Partial<MadeApplicationKey>, remoteAddress: string) => {
    const { key, secret } = given
    const payload = { deviceId, key, secret }
    return (await app.inject({ method: 'POST', url: '/auth/device', remoteAddress, payload })).statusCode
  }
  const only = await make({ addressFilterType: 'whitelist', addresses: ['2001:db8::7'] })
  assert.equal(await ask(only, '2001:db8::7'), 200)
  assert.equal(await ask(only, '2001:db8:0:0:0::7'), 200)
  assert.equal(await ask(only, '2001:db8::8'), 401)
  const others = await make({ addressFilterType: 'blacklist', addresses: ['2001:db8::7'] })
  assert.equal(await ask(others, '2001:db8::7'), 401)
  assert.equal(await ask(others, '2001:db8::8'), 200)

  const failing = { key: only.key, secret: 'wrong' }
  for (let n = 0; n < OF_DEVICE.free; n++) assert.equal(await ask(failing, `2001:db8::${n + 10}`), 401)
  assert.equal(await ask(failing, '2001:db8::1'), 429)
  assert.equal(await ask(failing, '2001:db8:0:1::1'), 401)
})
