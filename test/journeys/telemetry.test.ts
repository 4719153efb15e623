/** The history of an application as a whole: sealed by itself, kept as long as its owner says. */

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, signIn } from '../../client/client.ts'
import { getTelemetry, putTelemetry } from '../../contract/telemetry.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

const DAY_MS = 86_400_000
const SEALED_WITHIN_MS = 60_000

let service: RunningService
let losant: Official
let ours: Client

before(async () => {
  service = await startService({ env: { FIELDBOOK_SEAL_AGE: '1s', FIELDBOOK_RETENTION: '3650d' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

test('states are sealed by themselves, read as before, and forgotten when their time is over', async () => {
  const { id: applicationId } = await losant.call<{ id: string }>('applications.post', {
    application: { name: 'mill' },
  })
  const { id: deviceId } = await losant.call<{ id: string }>('devices.post', {
    applicationId,
    device: { name: 'stone', attributes: [{ name: 'speed', dataType: 'number' }] },
  })
  const ids = { applicationId, deviceId }
  const params = { applicationId }
  const now = Date.now()
  const times = [now - 40 * DAY_MS, now - 20 * DAY_MS, now - 60_000]
  await losant.call('device.sendState', {
    ...ids,
    deviceState: times.map((time, index) => ({ time, data: { speed: index } })),
  })
  const speeds = async () => {
    const states = await losant.call<{ data: { speed: number } }[]>('device.getState', { ...ids, limit: 10 })
    return states.map(({ data }) => data.speed)
  }
  assert.deepEqual(await speeds(), [2, 1, 0])

  const deadline = Date.now() + SEALED_WITHIN_MS
  let told = await ours.call(getTelemetry, { params })
  while (told.hotReports > 0 && Date.now() < deadline) {
    await pause(100)
    told = await ours.call(getTelemetry, { params })
  }
  assert.equal(told.hotReports, 0, 'sealed within a minute')
  assert.equal(told.sealedStates, 3)
  assert.ok(told.segments > 0 && told.sealedBytes > 0)
  assert.deepEqual([told.retentionDays, told.installationRetentionDays], [null, 3650])
  assert.deepEqual(await speeds(), [2, 1, 0])

  const kept = await ours.call(putTelemetry, { params, body: { retentionDays: 30 } })
  assert.equal(kept.retentionDays, 30)
  assert.deepEqual(await speeds(), [2, 1])
  await ours.call(putTelemetry, { params, body: { retentionDays: 0 } })
  assert.deepEqual(await speeds(), [2, 1], 'what was too old does not come back')
})

test('a retention that is none is refused, and an application of nobody is not found', async () => {
  const { id: applicationId } = await losant.call<{ id: string }>('applications.post', {
    application: { name: 'barn' },
  })
  for (const retentionDays of [-1, 1e9]) {
    await assert.rejects(
      ours.call(putTelemetry, { params: { applicationId }, body: { retentionDays } }),
      /retentionDays/,
    )
  }
  const params = { applicationId: 'a'.repeat(24) }
  await assert.rejects(ours.call(getTelemetry, { params }), /Application was not found/)
  await assert.rejects(ours.call(putTelemetry, { params, body: { retentionDays: 1 } }), /Application was not found/)
})
