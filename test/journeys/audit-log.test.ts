/** The log of who did what, of a whole service: what is in it over the API, and what a kill leaves of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signIn } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import { getAuditLog, getInstallationAuditLog } from '../../contract/audit-log.ts'
import { getCallbackSecret } from '../../contract/deliveries.ts'
import { createDevice, listDevices } from '../../contract/devices.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'

test('what is done and told is in the log, by whom, and signing in and failing to is in that of the installation', async () => {
  await using service = await startService()
  await assert.rejects(signIn(service.url, EMAIL, 'not the password'))
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'a plant' } })
  const params = { applicationId }
  await client.call(createDevice, { params, body: { name: 'd' } })
  await client.call(getCallbackSecret, { params })
  const { items } = await client.call(getAuditLog, { params })
  assert.deepEqual(
    items.map(({ requestResource, requestAction, actorName, responseStatus }) => [
      `${requestResource}.${requestAction}`,
      actorName,
      responseStatus,
    ]),
    [
      ['callbackSecret.get', EMAIL, 200],
      ['devices.post', EMAIL, 201],
    ],
  )
  const installation = await client.call(getInstallationAuditLog, {})
  const told = installation.items.map((entry) => `${entry.requestAction} ${entry.actorName} ${entry.responseStatus}`)
  assert.deepEqual(told.toSorted(), [
    `authenticateUser ${EMAIL} 200`,
    `authenticateUser ${EMAIL} 401`,
    `post ${EMAIL} 201`,
  ])
})

test('what was done when the service was killed has its entry, although none of them waited for the disk', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'a plant' } })
  const params = { applicationId }
  let made = 0
  const makeMany = async () => {
    for (;;) {
      await client.call(createDevice, { params, body: { name: 'd' } })
      made += 1
      if (made === 40) await service.crash()
    }
  }
  await Promise.allSettled(Array.from({ length: 8 }, makeMany))

  await using again = await startService({ dataDir: data.path })
  const later = await signIn(again.url, EMAIL, PASSWORD)
  const { items: devices } = await later.call(listDevices, { params, query: { perPage: '1000' } })
  const { items: entries } = await later.call(getAuditLog, { params, query: { perPage: '1000' } })
  assert.ok(devices.length >= 40)
  // One whose end was not written yet, or had not reached the disk, says nothing of what it made.
  const ended = new Set(entries.flatMap(({ createdId }) => createdId ?? []))
  const unknown = entries.filter(({ responseStatus }) => responseStatus === undefined)
  const unnamed = devices.filter(({ id }) => !ended.has(id))
  assert.ok(unnamed.length <= unknown.length, `${unnamed.length} devices for ${unknown.length} entries without an end`)
  assert.equal(ended.size + unknown.length, entries.length)
})
