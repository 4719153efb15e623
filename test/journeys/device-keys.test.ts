/**
 * Devices through the official client: an access key is made, devices sign in with it and do what devices may; and the
 * four ways to a token, each driving a call.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ApiToken } from '../../contract/api-tokens.ts'
import type { ApplicationKey, MadeApplicationKey } from '../../contract/application-keys.ts'
import type { AuthedDevice } from '../../contract/device-sign-in.ts'
import type { Device } from '../../contract/devices.ts'
import type { JobLog } from '../../contract/job-logs.ts'
import { type Official, officialClient, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication } from '../support/steps.ts'

let service: RunningService
let losant: Official

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

const makeKey = (applicationId: string, applicationKey: object = {}) =>
  losant.call<MadeApplicationKey>('applicationKeys.post', { applicationId, applicationKey })
const makeDevice = (applicationId: string, device: object = {}) =>
  losant.call<Device>('devices.post', {
    applicationId,
    device: { name: 'pump', attributes: [{ name: 'temp', dataType: 'number' }], ...device },
  })
const signIn = (deviceId: string, { key, secret }: { key?: string; secret?: string }, more: object = {}) =>
  officialClient(service.url).call<AuthedDevice>('auth.authenticateDevice', {
    credentials: { deviceId, ...(key ? { key } : {}), ...(secret ? { secret } : {}), ...more },
  })
const deviceClient = async (deviceId: string, key: MadeApplicationKey, more: object = {}) =>
  officialClient(service.url, (await signIn(deviceId, key, more)).token)

test('a device signs in with a key and reports for itself', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const device = await makeDevice(applicationId)
  const key = await makeKey(applicationId, { filterType: 'whitelist', pubTopics: ['a/#'], subTopics: ['#'] })
  const { token, ...authed } = await signIn(device.id, key)
  assert.deepEqual(authed, {
    applicationId,
    deviceId: device.id,
    deviceClass: 'standalone',
    ownerType: 'user',
    filterType: 'whitelist',
    pubTopics: ['a/#'],
    subTopics: ['#'],
  })
  const ids = { applicationId, deviceId: device.id }
  const client = officialClient(service.url, token)
  await client.call('device.sendState', { ...ids, deviceState: { data: { temp: 21 } } })
  await client.call('device.setConnectionStatus', { ...ids, connectionStatus: { status: 'connected' } })
  const [state] = await losant.call<{ data: object }[]>('device.getState', ids)
  assert.deepEqual(state?.data, { temp: 21 })
  for (const call of [
    () => client.call('device.delete', ids),
    () => client.call('notebooks.get', { applicationId }),
    () => client.call('applicationKeys.get', { applicationId }),
  ]) {
    assert.equal((await refusal(call())).statusCode, 403)
  }
  const { id: foreign } = await makeApplication(losant)
  const stranger = await makeDevice(foreign)
  const absent = await refusal(client.call('device.get', { applicationId: foreign, deviceId: stranger.id }))
  assert.deepEqual([absent.statusCode, absent.message], [404, 'Application was not found'])
  const notIts = await refusal(client.call('device.get', { applicationId, deviceId: stranger.id }))
  assert.deepEqual([notIts.statusCode, notIts.message], [404, 'Device was not found'])
})

test('what is wrong with a sign-in is 401 whatever it is, and what can not be asked for 400', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const device = await makeDevice(applicationId)
  const key = await makeKey(applicationId)
  for (const given of [{}, { key: key.key }, { secret: key.secret }, { ...key, secret: 'x' }, { ...key, key: 'x' }]) {
    const refused = await refusal(signIn(device.id, given))
    assert.deepEqual(
      [refused.statusCode, refused.type, refused.message],
      [401, 'Unauthorized', 'The device, key or secret is wrong'],
    )
  }
  const cases: [object, RegExp][] = [
    [{ requestedScopes: ['all.Application'] }, /^credentials\.requestedScopes\.0 must be one of all\.Device, /],
    [{ tokenTTL: -1 }, /^credentials\.tokenTTL must be at least 0/],
    [{ password: 'x' }, /^credentials\.password is not a known property; allowed are deviceId, key, secret, /],
    [{ deviceId: 'x' }, /^credentials\.deviceId must be 24 hexadecimal digits$/],
  ]
  for (const [more, message] of cases) {
    const refused = await refusal(signIn(device.id, key, more))
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  const reader = await deviceClient(device.id, key, { requestedScopes: ['device.get'], tokenTTL: 60 })
  const ids = { applicationId, deviceId: device.id }
  await reader.call('device.get', ids)
  assert.equal((await refusal(reader.call('device.getState', ids))).statusCode, 403)
})

test('a gateway speaks for its peripherals, and exports what it may see in its own name', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const gateway = await makeDevice(applicationId, { deviceClass: 'gateway' })
  const peripheral = await makeDevice(applicationId, { deviceClass: 'peripheral', gatewayId: gateway.id })
  const other = await makeDevice(applicationId)
  const client = await deviceClient(gateway.id, await makeKey(applicationId, { deviceIds: [gateway.id] }))
  const send = (deviceId: string, by = client) =>
    by.call('device.sendState', { applicationId, deviceId, deviceState: { data: { temp: 1 } } })
  await send(peripheral.id)
  await send(other.id, losant)
  assert.equal((await refusal(send(other.id))).statusCode, 404)
  const { items } = await client.call<{ items: Device[] }>('devices.get', { applicationId })
  assert.deepEqual(items.map(({ id }) => id).sort(), [gateway.id, peripheral.id].sort())

  const query = { deviceIds: [peripheral.id, other.id], deviceTags: [], callbackUrl: 'https://example.com/' }
  const { jobId } = await client.call<{ jobId: string }>('data.export', { applicationId, query })
  const job = await ended(applicationId, jobId)
  assert.deepEqual([job.status, job.requestedByType, job.requestedById], ['completed', 'device', gateway.id])
  assert.equal(job.output['devices'], 1)
  const [url = ''] = job.output['downloadUrls'] as string[]
  const csv = await (await fetch(url)).text()
  assert.ok(csv.includes(peripheral.id) && !csv.includes(other.id), csv)
  assert.equal((await refusal(client.call('device.export', { applicationId, deviceId: gateway.id }))).statusCode, 403)
})

async function ended(applicationId: string, jobId: string): Promise<JobLog> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const job = await losant.read<JobLog>(`/applications/${applicationId}/jobLogs/${jobId}`)
    if (job.runCompletedAt) return job
    if (Date.now() > deadline) throw new Error(`the job is still ${job.status}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('a key is listed, found, changed and deleted; a device that came with it is out at once', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const device = await makeDevice(applicationId)
  const { secret, ...first } = await makeKey(applicationId, { name: 'first' })
  const second = await makeKey(applicationId, { name: 'second', deviceIds: [device.id] })
  interface List {
    readonly items: ApplicationKey[]
    readonly totalCount: number
    readonly applicationId: string
  }
  const list = async (query: object) => {
    const page = await losant.call<List>('applicationKeys.get', { applicationId, ...query })
    assert.equal(page.applicationId, applicationId)
    assert.ok(page.items.every((key) => !('secret' in key)))
    return page.items.map(({ name }) => name)
  }
  assert.deepEqual(await list({}), ['second', 'first'])
  assert.deepEqual(await list({ sortField: 'name', sortDirection: 'asc' }), ['first', 'second'])
  assert.deepEqual(await list({ filterField: 'key', filter: `${first.key.slice(0, 20)}*` }), ['first'])
  assert.deepEqual(await list({ filterField: 'name', filter: 'sec*' }), ['second'])
  assert.deepEqual(await list({ query: { deviceIds: { $in: [device.id] } } }), ['second'])
  assert.deepEqual(await list({ perPage: 1, page: 1 }), ['first'])

  const ids = { applicationId, applicationKeyId: first.id }
  const { _links: _, ...shown } = first as ApplicationKey & { _links?: object }
  const read = await losant.call<ApplicationKey & { _links?: object }>('applicationKey.get', ids)
  assert.deepEqual({ ...read, _links: undefined }, { ...shown, _links: undefined })
  assert.deepEqual(read._links, { self: { href: `/applications/${applicationId}/keys/${first.id}` } })

  const client = await deviceClient(device.id, { ...first, secret })
  const ask = () => client.call('device.get', { applicationId, deviceId: device.id })
  const patch = (applicationKey: object) =>
    losant.call<ApplicationKey>('applicationKey.patch', { ...ids, applicationKey })
  await ask()
  assert.equal((await patch({ status: 'inactive' })).status, 'inactive')
  assert.equal((await refusal(ask())).statusCode, 401)
  await patch({ status: 'active', name: 'still' })
  await ask()
  await losant.call('applicationKey.delete', ids)
  assert.equal((await refusal(ask())).statusCode, 401)
  assert.equal((await refusal(losant.call('applicationKey.get', ids))).message, 'Application key was not found')
  const { id: foreign } = await makeApplication(losant)
  const elsewhere = { applicationId: foreign, applicationKeyId: second.id }
  assert.equal((await refusal(losant.call('applicationKey.get', elsewhere))).statusCode, 404)
  assert.equal((await refusal(losant.call('applicationKey.delete', elsewhere))).statusCode, 404)
  assert.deepEqual(await list({}), ['second'])
})

test('each of the four ways to a token drives a call', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const device = await makeDevice(applicationId)
  const key = await makeKey(applicationId)
  const apiToken = { name: 'a program' }
  const ofApplication = await losant.call<ApiToken>('applicationApiTokens.post', { applicationId, apiToken })
  const ofUser = await losant.call<ApiToken>('userApiTokens.post', { apiToken })
  const ofDevice = await signIn(device.id, key)
  const signedIn = await officialClient(service.url).call<{ token: string }>('auth.authenticateUser', {
    credentials: { email: EMAIL, password: PASSWORD },
  })
  for (const { token } of [signedIn, ofUser, ofApplication, ofDevice]) {
    const read = await officialClient(service.url, token).call<Device>('device.get', {
      applicationId,
      deviceId: device.id,
    })
    assert.equal(read.id, device.id)
  }
})
