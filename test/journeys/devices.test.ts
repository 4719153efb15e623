/** Devices by the hundred: made, found in every way the original has, changed together, deleted, restored and exported. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { restoreDevices } from '../../contract/device-bulk.ts'
import { getDeviceNames } from '../../contract/device-words.ts'
import { type Device, type DevicePost, listDevices } from '../../contract/devices.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication } from '../support/steps.ts'

let service: RunningService
let losant: Official
let ours: Client

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

const UNKNOWN = '0123456789abcdef01234567'

/** An application with a gateway, its pumps and a hall with a lamp. */
async function makePlant() {
  const { id: applicationId } = await makeApplication(losant)
  const make = (device: DevicePost) => losant.call<Device>('devices.post', { applicationId, device })
  const gateway = await make({ name: 'gateway', deviceClass: 'gateway', tags: [{ key: 'floor', value: '1' }] })
  const pumps: Device[] = []
  for (const number of [1, 2, 3]) {
    pumps.push(
      await make({
        name: `pump ${number}`,
        deviceClass: 'peripheral',
        gatewayId: gateway.id,
        attributes: [{ name: 'rpm', dataType: 'number', attributeTags: { unit: '1/min' } }],
        tags: [{ key: 'floor', value: String(number) }],
      }),
    )
  }
  const hall = await make({ name: 'hall', deviceClass: 'system', systemInterval: 60 })
  const lamp = await make({ name: 'lamp', parentId: hall.id, attributes: [{ name: 'on', dataType: 'boolean' }] })
  return { applicationId, gateway, pumps, hall, lamp }
}

interface Devices {
  items: Device[]
  totalCount: number
}
const list = async (params: object) => {
  const page = await losant.call<Devices>('devices.get', params)
  assert.equal(page.totalCount, page.items.length)
  return page.items.map(({ name }) => name)
}

test('a device gives back what it was told, who is above it, and whether it is connected', async () => {
  const { applicationId, hall, lamp, pumps } = await makePlant()
  const read = await losant.call<Device>('device.get', { applicationId, deviceId: lamp.id.toUpperCase() })
  assert.deepEqual([read.parentId, read.ancestorIds], [hall.id, [hall.id]])
  assert.deepEqual(read.connectionInfo, { connected: null })
  assert.equal((await losant.call<Device>('device.get', { applicationId, deviceId: hall.id })).systemInterval, 60)
  const bare = { applicationId, deviceId: lamp.id, excludeConnectionInfo: true }
  assert.equal('connectionInfo' in (await losant.call<Device>('device.get', bare)), false)
  const { status, body } = await ask(
    `/applications/${applicationId}/devices/${pumps[0]?.id}?tagsAsObject=true&attributesAsObject=1`,
  )
  assert.equal(status, 200)
  assert.deepEqual(Object(body)['tags'], { floor: ['1'] })
  assert.deepEqual(Object(body)['attributes'], {
    rpm: { name: 'rpm', dataType: 'number', attributeTags: { unit: '1/min' } },
  })
})

test('lists are filtered by class, tag, parent and name, or by a query in their place', async () => {
  const { applicationId, hall } = await makePlant()
  assert.deepEqual(await list({ applicationId, deviceClass: 'system' }), ['hall'])
  assert.deepEqual(await list({ applicationId, deviceClass: ['system', 'gateway'] }), ['gateway', 'hall'])
  assert.deepEqual(await list({ applicationId, tagFilter: [{ key: 'floor', value: '1' }, { value: '3' }] }), [
    'gateway',
    'pump 1',
    'pump 3',
  ])
  assert.deepEqual(await list({ applicationId, parentId: hall.id }), ['lamp'])
  assert.deepEqual(await list({ applicationId, filterField: 'name', filter: 'PUMP*' }), ['pump 1', 'pump 2', 'pump 3'])
  const query = { attributeName: 'rpm', tags: { $ne: { floor: '2' } } }
  assert.deepEqual(await list({ applicationId, query, filter: 'lamp', deviceClass: 'system', sortDirection: 'desc' }), [
    'pump 3',
    'pump 1',
  ])
  const refused = await refusal(list({ applicationId, query: { name: { $like: 'x' } } }))
  assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
  assert.match(refused.message, /^query\.name\.\$like is not an operator/)
})

test('lists are sorted by connection, and their pages are parts of one whole', async () => {
  const { applicationId, lamp, pumps } = await makePlant()
  const connect = (deviceId: string, status: string) =>
    ask(`/applications/${applicationId}/devices/${deviceId}/setConnectionStatus`, { status })
  assert.equal((await connect(lamp.id, 'connected')).status, 200)
  assert.equal((await connect(pumps[0]?.id ?? '', 'disconnected')).status, 200)
  const sorted = { applicationId, sortField: 'connectionStatus' }
  assert.deepEqual((await list({ ...sorted, sortDirection: 'desc' })).slice(0, 2), ['lamp', 'pump 1'])
  assert.deepEqual((await list(sorted)).slice(0, 2), ['pump 1', 'lamp'])
  assert.deepEqual(await list({ applicationId, query: { connectionStatus: 'connected' } }), ['lamp'])
  const pages = await Promise.all(
    ['0', '1', '2'].map((page) => losant.call<Devices>('devices.get', { applicationId, page, perPage: '3' })),
  )
  assert.deepEqual(
    pages.map(({ items }) => items.length),
    [3, 3, 0],
  )
  assert.deepEqual(
    pages.map(({ totalCount }) => totalCount),
    [6, 6, 6],
  )
})

test('the words devices use are found, of all or of some', async () => {
  const { applicationId } = await makePlant()
  const names = (params: object) => losant.call('devices.attributeNames', { applicationId, ...params })
  assert.deepEqual(await names({}), { attributeNames: ['on', 'rpm'] })
  assert.deepEqual(await names({ dataType: ['boolean', 'gps'] }), { attributeNames: ['on'] })
  assert.deepEqual(await names({ startsWith: 'R', query: { deviceClass: 'peripheral' } }), { attributeNames: ['rpm'] })
  assert.deepEqual(await losant.call('devices.tagKeys', { applicationId, startsWith: 'FL' }), { tagKeys: ['floor'] })
  assert.deepEqual(
    await losant.call('devices.tagValues', { applicationId, key: 'floor', query: { deviceClass: 'peripheral' } }),
    {
      tagKey: 'floor',
      tagValues: ['1', '2', '3'],
    },
  )
  const { deviceSummary } = await ours.call(getDeviceNames, { params: { applicationId }, query: { startsWith: 'LA' } })
  assert.deepEqual(
    deviceSummary.map(({ name, deviceClass }) => [name, deviceClass]),
    [['lamp', 'standalone']],
  )
})

test('families are kept whole: gateways, parents and no circles', async () => {
  const { applicationId, gateway, hall, lamp } = await makePlant()
  const foreign = await makePlant()
  const post = (device: object) =>
    losant.call<Device>('devices.post', { applicationId, device: { name: 'd', ...device } })
  const patch = (deviceId: string, device: object) =>
    losant.call<Device>('device.patch', { applicationId, deviceId, device })
  const cases: [() => Promise<unknown>, RegExp][] = [
    [() => post({ deviceClass: 'peripheral' }), /^device\.gatewayId is required for a device of class peripheral$/],
    [
      () => post({ deviceClass: 'peripheral', gatewayId: lamp.id }),
      /^device\.gatewayId must be a device of class gateway or edgeCompute, .* standalone$/,
    ],
    [
      () => post({ deviceClass: 'peripheral', gatewayId: foreign.gateway.id }),
      /^device\.gatewayId must be the id of a device of this application$/,
    ],
    [
      () => post({ gatewayId: gateway.id }),
      /^device\.gatewayId is only for a device of class peripheral, and this one is standalone$/,
    ],
    [() => post({ parentId: foreign.hall.id }), /^device\.parentId must be the id of a device of this application$/],
    [() => patch(hall.id, { parentId: hall.id }), /^device\.parentId must be another device$/],
    [() => patch(hall.id, { parentId: lamp.id }), /^device\.parentId must not be a device below this one$/],
    [
      () => patch(gateway.id, { deviceClass: 'standalone' }),
      /^device\.deviceClass must stay gateway while peripherals as "pump 1" have this gateway$/,
    ],
  ]
  for (const [call, message] of cases) {
    const refused = await refusal(call())
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  const site = await post({ name: 'site', deviceClass: 'system' })
  await patch(hall.id, { parentId: site.id })
  const { ancestorIds } = await losant.call<Device>('device.get', { applicationId, deviceId: lamp.id })
  assert.deepEqual(ancestorIds, [hall.id, site.id])
  assert.deepEqual(await list({ applicationId, query: { ancestorId: site.id } }), ['hall', 'lamp'])
  assert.equal('parentId' in (await patch(lamp.id, { parentId: null })), false)
})

test('a deleted device is seen by nobody until it is restored with what it reported', async () => {
  const { applicationId, pumps } = await makePlant()
  const deviceId = pumps[0]?.id ?? ''
  const params = { applicationId, deviceId }
  await losant.call('device.sendState', { ...params, deviceState: { data: { rpm: 900 } } })
  await losant.call('device.delete', params)
  for (const call of ['device.get', 'device.getState', 'device.delete'] as const) {
    assert.equal((await refusal(losant.call(call, params))).statusCode, 404)
  }
  assert.equal(
    (await refusal(losant.call('device.sendState', { ...params, deviceState: { data: { rpm: 1 } } }))).statusCode,
    404,
  )
  assert.equal((await refusal(losant.call('device.patch', { ...params, device: { name: 'x' } }))).statusCode, 404)
  assert.deepEqual(await list({ applicationId, filter: 'pump*' }), ['pump 2', 'pump 3'])
  const deleted = await ours.call(listDevices, { params: { applicationId }, query: { queryDeleted: 'true' } })
  assert.deepEqual(
    deleted.items.map(({ name, deletedAt }) => [name, typeof deletedAt]),
    [['pump 1', 'string']],
  )
  const restored = await ours.call(restoreDevices, { params: { applicationId }, body: { query: { id: deviceId } } })
  assert.deepEqual(restored, { restored: 1, failed: 0 })
  const states = await losant.call<{ data: object }[]>('device.getState', params)
  assert.deepEqual(
    states.map(({ data }) => data),
    [{ rpm: 900 }],
  )
})

test('devices are changed together, each for itself', async () => {
  const { applicationId, pumps, gateway, lamp } = await makePlant()
  const update = (patchInfo: object) => losant.call('devices.patch', { applicationId, patchInfo })
  const operations = [
    { operation: 'set', target: 'tag', value: { key: 'floor', value: '9' } },
    { operation: 'set', target: 'attributeTag', attributeName: 'rpm', value: { key: 'unit', value: 'Hz' } },
    { operation: 'add', target: 'attribute', value: { name: 'flow', dataType: 'number' } },
  ]
  const query = { deviceClass: 'peripheral' }
  assert.deepEqual(await update({ query, updateOperations: operations }), { updated: 3, failed: 0, skipped: 0 })
  assert.deepEqual(await update({ query, updateOperations: operations }), { updated: 0, failed: 0, skipped: 3 })
  const pump = await losant.call<Device>('device.get', { applicationId, deviceId: pumps[1]?.id })
  assert.deepEqual(pump.tags, [{ key: 'floor', value: '9' }])
  assert.deepEqual(pump.attributes, [
    { name: 'rpm', dataType: 'number', attributeTags: { unit: 'Hz' } },
    { name: 'flow', dataType: 'number' },
  ])
  const fields = {
    deviceIds: [gateway.id, lamp.id, UNKNOWN],
    updateFields: { deviceClass: 'standalone', description: 'x' },
  }
  assert.deepEqual(await update(fields), { updated: 1, failed: 1, skipped: 0 })
  const refusals: [object, RegExp][] = [
    [{ query }, /^patchInfo must have updateFields or updateOperations$/],
    [{ updateFields: { name: 'x' } }, /^patchInfo must have a query or deviceIds$/],
    [{ query: { x: 1 }, updateFields: {} }, /^patchInfo\.query\.x is not a field/],
    [
      { query, updateOperations: [{ operation: 'turn', target: 'name' }] },
      /^patchInfo\.updateOperations\.0\.operation must be one of set, remove, add$/,
    ],
    [
      { query, updateOperations: [{ operation: 'set', target: 'colour', value: 'x' }] },
      /^patchInfo\.updateOperations\.0\.target must be one of name, deviceClass, /,
    ],
    [
      { query, updateOperations: [{ operation: 'set', target: 'name' }] },
      /^patchInfo\.updateOperations\.0\.value is required \(operation set, target name\)$/,
    ],
  ]
  for (const [patchInfo, message] of refusals) assert.match((await refusal(update(patchInfo))).message, message)
})

test('what belongs to others is not there', async () => {
  const { applicationId } = await makePlant()
  const foreign = await makePlant()
  const params = { applicationId, deviceId: foreign.lamp.id }
  const calls = [
    () => losant.call('device.get', params),
    () => losant.call('device.patch', { ...params, device: { name: 'mine' } }),
    () => losant.call('device.delete', params),
    () => losant.call('devices.get', { applicationId: UNKNOWN }),
    () => losant.call('devices.post', { applicationId: UNKNOWN, device: { name: 'x' } }),
    () =>
      losant.call('devices.patch', { applicationId: UNKNOWN, patchInfo: { query: {}, updateFields: { name: 'x' } } }),
    () => losant.call('devices.delete', { applicationId: UNKNOWN, options: { query: {} } }),
    () => losant.call('devices.export', { applicationId: UNKNOWN, options: {} }),
    () => losant.call('devices.tagKeys', { applicationId: UNKNOWN }),
    () => losant.call('devices.tagValues', { applicationId: UNKNOWN, key: 'floor' }),
    () => losant.call('devices.attributeNames', { applicationId: UNKNOWN }),
  ]
  for (const call of calls) assert.equal((await refusal(call())).statusCode, 404)
  const ids = { deviceIds: [foreign.lamp.id], updateFields: { name: 'mine' } }
  assert.deepEqual(await losant.call('devices.patch', { applicationId, patchInfo: ids }), {
    updated: 0,
    failed: 0,
    skipped: 0,
  })
  assert.equal(
    (await losant.call<Device>('device.get', { applicationId: foreign.applicationId, deviceId: foreign.lamp.id })).name,
    'lamp',
  )
})

/** A request that the official client of this version has no method for. */
async function ask(path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(service.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${ours.token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: await response.json() }
}
