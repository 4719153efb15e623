/** Devices chosen by ids, tags and queries: who is meant, and who never is. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { DevicePost } from '../../contract/devices.ts'
import { chooseDevices, type DeviceChoice } from '../../server/catalog/device-choice.ts'
import { deleteDevice } from '../../server/catalog/devices.ts'
import { appendConnections } from '../../server/stores/telemetry/connections.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** A plant: a gateway with two pumps, a hall with a room with a lamp, one device deleted, and a neighbour's. */
async function openPlant(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const ids: Record<string, string> = {}
  const make = async (name: string, post: Partial<DevicePost> = {}) => {
    const { id } = await makeDevice(db, { applicationId, name, ...post })
    ids[name] = id
    return id
  }
  const gatewayId = await make('gateway', { deviceClass: 'gateway', tags: [{ key: 'floor', value: '1' }] })
  await make('pump 1', {
    deviceClass: 'peripheral',
    gatewayId,
    attributes: [{ name: 'rpm', dataType: 'number' }],
    tags: [
      { key: 'floor', value: '1' },
      { key: 'floor', value: '2' },
    ],
  })
  await make('Pump 2', { deviceClass: 'peripheral', gatewayId, attributes: [{ name: 'flow', dataType: 'number' }] })
  const hall = await make('hall', { deviceClass: 'system' })
  const room = await make('room', { deviceClass: 'system', parentId: hall, tags: [{ key: 'kind', value: '2' }] })
  await make('lamp', { parentId: room, attributes: [{ name: 'rpm', dataType: 'string' }] })
  await make('deleted', { parentId: hall, tags: [{ key: 'floor', value: '1' }] })
  await deleteDevice(db, applicationId, ids['deleted'] ?? '')
  const neighbour = await makeDevice(db, { name: 'neighbour', tags: [{ key: 'floor', value: '1' }] })
  ids['neighbour'] = neighbour.id
  const connect = (name: string, ts: number, connected: boolean) =>
    appendConnections(db, applicationId, ids[name] ?? '', [{ ts, connected }])
  await connect('pump 1', 1000, true)
  await connect('lamp', 1000, true)
  await connect('lamp', 2000, false)
  const names = async (choice: DeviceChoice) => (await chooseDevices(db, applicationId, choice)).map(({ name }) => name)
  return { ids, names }
}

test('ids and tags are joined, nothing chooses none, and a query takes their place', async (t) => {
  const { ids, names } = await openPlant(t)
  const id = (name: string) => ids[name] ?? ''
  const cases: [DeviceChoice, string[]][] = [
    [{}, []],
    [{ deviceIds: [], deviceTags: [], query: ' ' }, []],
    [{ deviceIds: [id('lamp').toUpperCase()] }, ['lamp']],
    [{ deviceIds: [id('lamp')], deviceTags: [{ key: 'kind' }] }, ['room', 'lamp']],
    [{ deviceIds: [id('deleted'), id('neighbour')] }, []],
    [{ deviceTags: [{ key: 'floor', value: '1' }] }, ['gateway', 'pump 1']],
    [{ deviceTags: [{ value: '2' }] }, ['pump 1', 'room']],
    [{ deviceTags: [{}] }, []],
    [{ deviceIds: [id('lamp')], query: '{"name":"hall"}' }, ['hall']],
    [{ query: {} }, ['gateway', 'pump 1', 'Pump 2', 'hall', 'room', 'lamp']],
    [{ query: '{}' }, ['gateway', 'pump 1', 'Pump 2', 'hall', 'room', 'lamp']],
  ]
  for (const [choice, expected] of cases) assert.deepEqual(await names(choice), expected, JSON.stringify(choice))
})

test('a query may ask about every field of a device', async (t) => {
  const { ids, names } = await openPlant(t)
  const cases: [object, string[]][] = [
    [{ id: ids['lamp']?.toUpperCase() }, ['lamp']],
    [{ name: { $startsWith: 'pump', $ci: true } }, ['pump 1', 'Pump 2']],
    [{ deviceClass: { $in: ['system', 'gateway'] } }, ['gateway', 'hall', 'room']],
    [{ gatewayId: ids['gateway'] }, ['pump 1', 'Pump 2']],
    [{ gatewayId: null, deviceClass: { $ne: 'system' } }, ['gateway', 'lamp']],
    [{ parentId: ids['hall'] }, ['room']],
    [{ ancestorId: ids['hall'] }, ['room', 'lamp']],
    [{ ancestorId: { $ne: ids['hall'] }, deviceClass: 'system' }, ['hall']],
    [{ attributeName: 'rpm' }, ['pump 1', 'lamp']],
    [{ attributeName: { $nin: ['rpm', 'flow'] } }, ['gateway', 'hall', 'room']],
    [{ attributeName: null, deviceClass: 'gateway' }, ['gateway']],
    [{ tags: { floor: '2' } }, ['pump 1']],
    [{ tags: { $tagValue: '2' } }, ['pump 1', 'room']],
    [{ tags: null, deviceClass: 'peripheral' }, ['Pump 2']],
    [{ creationDate: { $lt: 1000 } }, []],
    [{ lastUpdated: { $gt: '2020-01-01' }, name: 'hall' }, ['hall']],
    [{ deletedAt: { $ne: null } }, []],
    [{ experienceUserId: ids['lamp'] }, []],
    [{ experienceGroupId: null, name: 'hall' }, ['hall']],
    [{ connectionStatus: 'connected' }, ['pump 1']],
    [{ connectionStatus: { $in: [0, 1] } }, ['pump 1', 'lamp']],
    [{ connectionStatus: null, name: 'hall' }, ['hall']],
    [{ connectedAt: 1000 }, ['pump 1', 'lamp']],
    [{ disconnectedAt: { $gte: 2000 } }, ['lamp']],
    [{ $or: [{ name: 'hall' }, { $and: [{ name: 'room' }, { parentId: null }] }] }, ['hall']],
  ]
  for (const [query, expected] of cases) assert.deepEqual(await names({ query }), expected, JSON.stringify(query))
})

test('a query that asks what no device has is refused where its fault is', async (t) => {
  const { names } = await openPlant(t)
  const cases: [unknown, RegExp][] = [
    ['{', /^query must be JSON/],
    ['[]', /^query must be an object/],
    [{ colour: 'red' }, /^query\.colour is not a field; allowed are id, creationDate, .*connectionStatus$/],
    [{ $or: [{}, { id: 'x' }] }, /^query\.\$or\.1\.id /],
    [{ connectionStatus: { $like: 1 } }, /^query\.connectionStatus\.\$like is not an operator/],
    [{ tags: 'floor' }, /^query\.tags must be /],
  ]
  for (const [query, message] of cases) await assert.rejects(names({ query }), { kind: 'invalid', message })
})
