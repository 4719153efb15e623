/** What a signed-in device may see of its application, through the door: itself and what is below it, and nothing else. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createApplicationKey, patchApplicationKey } from '../../server/catalog/application-keys.ts'
import { newId } from '../../server/ground/ids.ts'
import { openDoor } from '../support/door.ts'
import { makeDevice } from '../support/make.ts'

const DEVICE_ROUTES = ['', '/state', '/compositeState', '/attributes', '/logs']

async function open(t: TestContext) {
  const door = await openDoor(t)
  const { db, tokens, application, base } = door
  const applicationId = application.id
  const attributes = [{ name: 'temp', dataType: 'number' as const }]
  const tags = [{ key: 'kind', value: 'thing' }]
  const make = async (post: object) => (await makeDevice(db, { applicationId, attributes, tags, ...post })).id
  const top = await make({ name: 'top' })
  const gateway = await make({ name: 'gateway', deviceClass: 'gateway', parentId: top })
  const peripheral = await make({ name: 'peripheral', deviceClass: 'peripheral', gatewayId: gateway })
  const child = await make({ name: 'child', parentId: gateway })
  const grandchild = await make({ name: 'grandchild', parentId: child })
  const beside = await make({ name: 'beside', parentId: top })
  const all = { top, gateway, peripheral, child, grandchild, beside }
  for (const id of Object.values(all)) {
    assert.equal((await door.ask('POST', `${base}/devices/${id}/state`, { data: { temp: 1 } })).status, 200)
  }
  const actor = { type: 'user', id: application.ownerId } as const
  const key = await createApplicationKey(db, applicationId, actor, {})
  const askAs = async (deviceId: string, keyId = key.id, scope: string[] = ['all.Device']) => {
    const token = await tokens.sign({ kind: 'device', applicationId, deviceId, keyId, scope }, 0)
    return async (method: 'GET' | 'POST', path: string, payload?: object) => {
      const reply = await door.ask(method, base + path, payload, { authorization: `Bearer ${token}` })
      return { status: reply.status, body: JSON.parse(reply.text) }
    }
  }
  const names = (ids: readonly string[]) =>
    Object.entries(all).flatMap(([name, id]) => (ids.includes(id) ? [name] : []))
  return { ...door, all, key, actor, applicationId, askAs, names }
}

const SEEN: Record<string, string[]> = {
  top: ['top', 'gateway', 'child', 'grandchild', 'beside'],
  gateway: ['gateway', 'peripheral', 'child', 'grandchild'],
  peripheral: ['peripheral'],
  child: ['child', 'grandchild'],
}

test('a device sees itself, its peripherals and all below it; others are not there', async (t) => {
  const { all, askAs, names } = await open(t)
  const ids = new Map(Object.entries(all))
  for (const [name, seen] of Object.entries(SEEN)) {
    const ask = await askAs(ids.get(name) ?? '')
    for (const [other, id] of ids) {
      for (const path of DEVICE_ROUTES) {
        const { status, body } = await ask('GET', `/devices/${id}${path}`)
        const expected = seen.includes(other) ? 200 : 404
        assert.equal(status, expected, `${name} asks for ${path} of ${other}: ${body.message}`)
        if (status === 404) assert.deepEqual(body, { type: 'NotFound', message: 'Device was not found' })
      }
      const sent = await ask('POST', `/devices/${id}/state`, { data: { temp: 2 } })
      assert.equal(sent.status, seen.includes(other) ? 200 : 404)
    }
    const absent = await ask('GET', `/devices/${newId()}`)
    assert.deepEqual([absent.status, absent.body.message], [404, 'Device was not found'])

    const query = { name: { $ne: 'nobody' } }
    const itemsOf = async (path: string) => {
      const { status, body } = await ask('GET', path)
      assert.equal(status, 200)
      assert.equal(body.totalCount, body.items.length)
      return names(body.items.map((item: { id: string }) => item.id))
    }
    assert.deepEqual(await itemsOf('/devices'), seen)
    assert.deepEqual(await itemsOf('/devices?tagFilter[0][key]=kind'), seen)
    assert.deepEqual(await itemsOf(`/devices?query=${encodeURIComponent(JSON.stringify(query))}`), seen)
    assert.deepEqual(await itemsOf('/devices/compositeState'), seen)
    assert.deepEqual(await itemsOf(`/devices/compositeState?query=${encodeURIComponent('{}')}`), seen)

    const selections = [
      { deviceIds: Object.values(all) },
      { deviceTags: [{ key: 'kind' }] },
      { deviceQuery: {} },
      { deviceQuery: { $or: [{ name: 'beside' }, query] } },
    ]
    for (const selection of selections) {
      const series = await ask('POST', '/data/time-series-query', { ...selection, attributes: ['temp'] })
      assert.deepEqual(names(Object.keys(series.body.devices)), seen, JSON.stringify(selection))
      const last = await ask('POST', '/data/last-value-query', { ...selection, attribute: 'temp' })
      assert.deepEqual(names(Object.keys(last.body)), seen, JSON.stringify(selection))
    }
  }
})

test('deleted devices are seen by those above them only', async (t) => {
  const { db, all, askAs, names } = await open(t)
  await db.query('update devices set deleted_at = now() where id = any ($1)', [[all.child, all.beside]])
  const ask = await askAs(all.gateway)
  const { body } = await ask('GET', '/devices?queryDeleted=true')
  assert.deepEqual(names(body.items.map((item: { id: string }) => item.id)), ['child'])
})

test('a key that does not cover a device any more, or is not for its address, ends what it let in', async (t) => {
  const { db, all, applicationId, actor, askAs } = await open(t)
  const make = (post: object) => createApplicationKey(db, applicationId, actor, post)
  const status = async (keyId: string) =>
    (await (await askAs(all.gateway, keyId))('GET', `/devices/${all.gateway}`)).status
  const tagged = await make({ deviceTags: [{ key: 'kind', value: 'thing' }] })
  assert.equal(await status(tagged.id), 200)
  await db.query(`update devices set tags = '[]' where id = $1`, [all.gateway])
  assert.equal(await status(tagged.id), 401)
  assert.equal(await status((await make({ deviceIds: [all.child] })).id), 401)
  assert.equal(await status((await make({ deviceIds: [all.gateway] })).id), 200)

  const key = await make({})
  assert.equal(await status(key.id), 200)
  const patch = (post: object) => patchApplicationKey(db, applicationId, key.id, actor, post)
  await patch({ addressFilterType: 'whitelist', addresses: ['10.0.0.0/8'] })
  assert.equal(await status(key.id), 401)
  await patch({ addresses: ['127.0.0.1'] })
  assert.equal(await status(key.id), 200)
  await patch({ addressFilterType: 'blacklist' })
  assert.equal(await status(key.id), 401)
  await patch({ addressFilterType: 'all' })
  assert.equal(await status(key.id), 200)
  await patch({ status: 'inactive' })
  assert.equal(await status(key.id), 401)
})

test('a device of narrower scopes may do what they say', async (t) => {
  const { all, key, askAs } = await open(t)
  const ask = await askAs(all.gateway, key.id, ['device.getState'])
  assert.equal((await ask('GET', `/devices/${all.child}/state`)).status, 200)
  assert.equal((await ask('GET', `/devices/${all.child}`)).status, 403)
  const reader = await askAs(all.gateway, key.id, ['all.Device.read'])
  assert.equal((await reader('GET', '/devices')).status, 200)
  assert.equal((await reader('POST', `/devices/${all.gateway}/state`, { data: { temp: 1 } })).status, 403)
  assert.equal((await reader('GET', '/notebooks')).status, 403)
})
