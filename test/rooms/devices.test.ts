/** Devices under changes: two at once lose nothing, families make no circles, history goes with its attribute. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createAttribute, deleteAttribute, patchAttribute } from '../../server/catalog/device-attributes.ts'
import type { DeviceParts } from '../../server/catalog/device-change.ts'
import { deleteDevice, getDevice, listDevices, patchDevice } from '../../server/catalog/devices.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { forgetAttributes } from '../../server/stores/telemetry/forget-attributes.ts'
import { appendStates, readHotStates } from '../../server/stores/telemetry/hot.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const partsOf = (db: Database): DeviceParts => ({ db, forgetAttributes })
const isInvalid = ({ reason }: PromiseRejectedResult) => reason?.kind === 'invalid'

test('attributes added at once are all there, and of two with one name one is refused', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, id: deviceId } = await makeDevice(db)
  const add = (name: string) => createAttribute(partsOf(db), { applicationId, deviceId }, { name, dataType: 'number' })
  const names = Array.from({ length: 12 }, (_, index) => `a${index}`)
  await Promise.all(names.map(add))
  const results = await Promise.allSettled([add('same'), add('same'), add('same')])
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.ok(results.filter((result) => result.status === 'rejected').every(isInvalid))
  const { attributes } = await getDevice(db, applicationId, deviceId)
  assert.deepEqual(attributes.map(({ name }) => name).sort(), [...names, 'same'].sort())
})

test('two devices put below each other at once make no circle', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  for (let round = 0; round < 5; round += 1) {
    const [one, two] = [await makeDevice(db, { applicationId }), await makeDevice(db, { applicationId })]
    const results = await Promise.allSettled([
      patchDevice(partsOf(db), applicationId, one.id, { parentId: two.id }),
      patchDevice(partsOf(db), applicationId, two.id, { parentId: one.id }),
    ])
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  }
  const { items } = await listDevices(db, applicationId, {})
  assert.ok(items.every(({ id, ancestorIds }) => !ancestorIds.includes(id)))
})

test('a tree that moves takes everything below it along', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const chain: string[] = []
  for (let level = 0; level < 5; level += 1) {
    const parentId = chain.at(-1) ?? null
    chain.push((await makeDevice(db, { applicationId, parentId })).id)
  }
  const top = await makeDevice(db, { applicationId })
  const [a = '', b = '', c = '', d = '', e = ''] = chain
  await patchDevice(partsOf(db), applicationId, b, { parentId: top.id })
  const above = async (id: string) => (await getDevice(db, applicationId, id)).ancestorIds
  assert.deepEqual(await above(e), [d, c, b, top.id])
  assert.deepEqual(await above(a), [])
  await patchDevice(partsOf(db), applicationId, b, { parentId: null })
  assert.deepEqual([await above(b), await above(e)], [[], [d, c, b]])
})

test('a hundred levels are deep enough, counted with what moves along', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  let parentId: string | null = null
  const levels: string[] = []
  for (let level = 0; level <= 100; level += 1) {
    parentId = (await makeDevice(db, { applicationId, parentId })).id
    levels.push(parentId)
  }
  const message = /^device\.parentId would put a device more than 100 levels deep$/
  await assert.rejects(makeDevice(db, { applicationId, parentId }), { kind: 'invalid', message })
  const top = await makeDevice(db, { applicationId })
  const move = patchDevice(partsOf(db), applicationId, levels[0] ?? '', { parentId: top.id })
  await assert.rejects(move, { kind: 'invalid', message })
})

test('an attribute with a new type begins anew; the history of the others stays', async (t) => {
  const db = await openTestDatabase(t)
  const attributes = [
    { name: 'a', dataType: 'number' as const },
    { name: 'b', dataType: 'number' as const },
  ]
  const { applicationId, id: deviceId } = await makeDevice(db, { attributes })
  const place = { applicationId, deviceId }
  await appendStates(db, applicationId, deviceId, [
    { ts: 1, doc: { a: 1, b: 1 } },
    { ts: 2, doc: { a: 2 } },
  ])
  const states = async () =>
    (await readHotStates(db, { ...place, from: 0, to: 10, newestFirst: false, limit: 10 })).map(({ doc }) => doc)
  await deleteAttribute(partsOf(db), place, 'a')
  await createAttribute(partsOf(db), place, { name: 'a', dataType: 'number' })
  assert.deepEqual(await states(), [{ a: 1, b: 1 }, { a: 2 }])
  await patchDevice(partsOf(db), applicationId, deviceId, {
    attributes: attributes.map((attribute) =>
      attribute.name === 'a' ? { ...attribute, dataType: 'string' } : attribute,
    ),
  })
  assert.deepEqual(await states(), [{ b: 1 }])
})

test('an attribute is changed, renamed and missed by its name', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, id: deviceId } = await makeDevice(db, {
    attributes: [
      { name: 'a', dataType: 'number', attributeTags: { unit: 'm' } },
      { name: 'b', dataType: 'string' },
    ],
  })
  const place = { applicationId, deviceId }
  const patch = (name: string, change: Parameters<typeof patchAttribute>[3]) =>
    patchAttribute(partsOf(db), place, name, change)
  assert.deepEqual(await patch('a', { attributeTags: { kind: 'x' } }), {
    name: 'a',
    dataType: 'number',
    attributeTags: { kind: 'x' },
  })
  assert.equal((await patch('a', { name: 'c' })).name, 'c')
  await assert.rejects(patch('c', { name: 'b' }), { kind: 'invalid', message: /"b" is taken by another attribute/ })
  for (const missing of [patch('a', {}), deleteAttribute(partsOf(db), place, 'a')]) {
    await assert.rejects(missing, { kind: 'notFound', message: 'Device Attribute was not found' })
  }
  await deleteDevice(db, applicationId, deviceId)
  await assert.rejects(patch('b', {}), { kind: 'notFound', message: 'Device was not found' })
})
