/** The attributes of a device, each for itself; the official client of this version has no method for them, ours has. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import * as attributes from '../../contract/device-attributes.ts'
import { createDevice } from '../../contract/devices.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

let service: RunningService
let client: Client
let params: { applicationId: string; deviceId: string }

before(async () => {
  service = await startService()
  client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'a plant' } })
  const device = await client.call(createDevice, { params: { applicationId }, body: { name: 'pump' } })
  params = { applicationId, deviceId: device.id }
})
after(() => service[Symbol.asyncDispose]())

const refused = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => assert.fail('the call went through'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ApiFailure)
  return [error.status, error.message]
}

test('attributes are added, listed, changed and taken away', async () => {
  const body = { name: 'Rpm', dataType: 'number', attributeTags: { unit: '1/min' } } as const
  const made = await client.call(attributes.createAttribute, { params, body })
  const path = `/applications/${params.applicationId}/devices/${params.deviceId}/attributes`
  const shown = { ...body, ...params, _type: 'deviceAttribute', _links: { self: { href: `${path}/Rpm` } } }
  assert.deepEqual(made, shown)
  assert.deepEqual(await client.call(attributes.getAttribute, { params: { ...params, name: 'Rpm' } }), shown)
  await client.call(attributes.createAttribute, { params, body: { name: 'place', dataType: 'gps' } })
  const list = (query: object) => client.call(attributes.listAttributes, { params, query })
  const { items, ...page } = await list({ sortField: 'dataType', sortDirection: 'desc' })
  assert.deepEqual(
    items.map(({ name }) => name),
    ['Rpm', 'place'],
  )
  assert.deepEqual([page.count, page.totalCount, page.sortField, page.deviceId], [2, 2, 'dataType', params.deviceId])
  assert.deepEqual(
    (await list({ filterField: 'dataType', filter: 'g?s' })).items.map(({ name }) => name),
    ['place'],
  )
  const changed = await client.call(attributes.patchAttribute, {
    params: { ...params, name: 'Rpm' },
    body: { description: 'turns', attributeTags: {} },
  })
  assert.deepEqual([changed.description, changed.attributeTags, changed.dataType], ['turns', {}, 'number'])
  assert.deepEqual(await client.call(attributes.deleteAttribute, { params: { ...params, name: 'Rpm' } }), {
    success: true,
  })
  assert.equal((await list({})).totalCount, 1)
})

test('what can not be is refused, and what is not there is not found', async () => {
  const add = (body: object) => refused(client.call(attributes.createAttribute, { params, body: Object(body) }))
  assert.deepEqual(await add({ name: 'a b', dataType: 'number' }), [
    400,
    'deviceAttribute.name must be 1 to 255 letters, digits, "_" or "-"',
  ])
  assert.deepEqual(await add({ name: 'x', dataType: 'colour' }), [
    400,
    'deviceAttribute.dataType must be one of string, number, gps, boolean, blob',
  ])
  await client.call(attributes.createAttribute, { params, body: { name: 'x', dataType: 'number' } })
  assert.deepEqual(await add({ name: 'x', dataType: 'number' }), [
    400,
    'deviceAttribute.name "x" is taken by another attribute',
  ])
  const named = { ...params, name: 'x' }
  const retyped = client.call(attributes.patchAttribute, { params: named, body: Object({ dataType: 'string' }) })
  assert.deepEqual((await refused(retyped))[0], 400)
  const unknown = '0123456789abcdef01234567'
  for (const [where, message] of [
    [{ ...params, name: 'X' }, 'Device Attribute was not found'],
    [{ ...named, deviceId: unknown }, 'Device was not found'],
    [{ ...named, applicationId: unknown }, 'Application was not found'],
  ] as const) {
    for (const call of [
      () => client.call(attributes.getAttribute, { params: where }),
      () => client.call(attributes.patchAttribute, { params: where, body: {} }),
      () => client.call(attributes.deleteAttribute, { params: where }),
    ]) {
      assert.deepEqual(await refused(call()), [404, message])
    }
  }
})
