/** The secrets of callbacks: one for each application, none in the database, replaced without a gap. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createCallbackSecrets } from '../../server/access/callback-secrets.ts'
import { openCallbackKey } from '../../server/access/secrets.ts'
import { newId } from '../../server/ground/ids.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

test('every application has a secret of its own, the same each time, from a key that stays', async (t) => {
  const db = await openTestDatabase(t)
  const folder = await makeFolder(t)
  const key = await openCallbackKey(folder)
  assert.deepEqual([key.length, await openCallbackKey(folder)], [32, key])
  const [a, b] = [(await makeApplication(db)).id, (await makeApplication(db)).id]
  const secrets = createCallbackSecrets(key)
  const of = async (id: string) => (await secrets.of(db, id)).current
  assert.match(await of(a), /^[0-9a-f]{64}$/)
  assert.equal(await of(a), await of(a))
  assert.notEqual(await of(a), await of(b))
  const elsewhere = createCallbackSecrets(await openCallbackKey(await makeFolder(t)))
  assert.notEqual((await elsewhere.of(db, a)).current, await of(a))
  assert.equal(await of(a), (await createCallbackSecrets(key).of(db, a)).current, 'also after a restart')
})

test('a secret that is replaced is used beside the new one for a day, and nobody else notices', async (t) => {
  const db = await openTestDatabase(t)
  const [a, b] = [(await makeApplication(db)).id, (await makeApplication(db)).id]
  let aheadMs = 0
  const secrets = createCallbackSecrets(Buffer.alloc(32, 7), () => new Date(Date.now() + aheadMs))
  const [first, others] = [await secrets.inUse(db, a), await secrets.inUse(db, b)]
  assert.equal(first.length, 1)
  const { current, previous, rotatedAt } = await secrets.rotate(db, a)
  assert.ok(rotatedAt && previous)
  assert.equal(previous.until.getTime() - rotatedAt.getTime(), 86_400_000)
  assert.deepEqual(await secrets.inUse(db, a), [current, first[0]])
  assert.deepEqual(await secrets.inUse(db, b), others)
  aheadMs = 86_400_000
  assert.deepEqual(await secrets.inUse(db, a), [current])
  const third = await secrets.rotate(db, a)
  assert.equal(new Set([first[0], current, third.current]).size, 3)
  await assert.rejects(secrets.rotate(db, newId()), { kind: 'notFound' })
})
