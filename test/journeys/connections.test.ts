/** Devices that connect and disconnect, told and read back with the official client. */

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

const MINUTE_MS = 60_000

let service: RunningService
let client: Official
let ids: { applicationId: string; deviceId: string }

before(async () => {
  service = await startService()
  client = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call<{ id: string }>('applications.post', { application: { name: 'a' } })
  const device = { name: 'a pump' }
  const { id: deviceId } = await client.call<{ id: string }>('devices.post', { applicationId, device })
  ids = { applicationId, deviceId }
})
after(() => service[Symbol.asyncDispose]())

test('a device is told to be connected and disconnected, and its log says so', async () => {
  const now = Date.now()
  const [from, to] = [now - 2 * MINUTE_MS, now - MINUTE_MS]
  const statuses = [
    { status: 'connected', connectedAt: new Date(from).toISOString(), ipAddress: '192.0.2.7' },
    {
      status: 'disconnected',
      connectedAt: from,
      disconnectedAt: to,
      disconnectReason: 'Connection Lost',
      messagesFromClient: 2548,
      messagesToClient: 0,
    },
  ]
  for (const connectionStatus of statuses) {
    assert.deepEqual(await client.call('device.setConnectionStatus', { ...ids, connectionStatus }), { success: true })
  }
  const gone = {
    time: new Date(to).toISOString(),
    connected: 0,
    disconnectReason: 'Connection Lost',
    messagesFromClient: 2548,
    messagesToClient: 0,
  }
  assert.deepEqual(await client.call('device.getLogEntries', ids), [gone])
  assert.deepEqual(await client.call('device.getLogEntries', { ...ids, limit: 10, sortDirection: 'asc' }), [
    { time: new Date(from).toISOString(), connected: 1, ipAddress: '192.0.2.7' },
    gone,
  ])
  const since = (time: number) => client.call<unknown[]>('device.getLogEntries', { ...ids, limit: 10, since: time })
  assert.deepEqual([(await since(from)).length, (await since(from + 1)).length], [2, 1])
})

test('what makes no sense is refused by name, and foreign devices are not found', async () => {
  const set = (connectionStatus: object, more: object = {}) =>
    refusal(client.call('device.setConnectionStatus', { ...ids, connectionStatus, ...more }))
  const cases: [object, RegExp][] = [
    [{}, /^connectionStatus\.status /],
    [{ status: 'asleep' }, /^connectionStatus\.status must be one of connected, disconnected$/],
    [{ status: 'connected', disconnectReason: 'none' }, /^connectionStatus\.disconnectReason is not a known property/],
    [{ status: 'disconnected', messagesToClient: -1 }, /^connectionStatus\.messagesToClient /],
    [{ status: 'disconnected', disconnectedAt: 'whenever' }, /^connectionStatus\.disconnectedAt must be a time/],
    [{ status: 'connected', ipAddress: 'x' }, /^connectionStatus\.ipAddress /],
  ]
  for (const [status, message] of cases) {
    const refused = await set(status)
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  const deviceId = 'a'.repeat(24)
  assert.equal((await set({ status: 'connected' }, { deviceId })).statusCode, 404)
  assert.equal((await refusal(client.call('device.getLogEntries', { ...ids, deviceId }))).statusCode, 404)
  const refused = await refusal(client.call('device.getLogEntries', { ...ids, since: 'whenever' }))
  assert.deepEqual([refused.statusCode, refused.message.startsWith('since must be a time')], [400, true])
})
