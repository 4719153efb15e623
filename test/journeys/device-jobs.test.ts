/** What is done to many devices by a job: its answer, its log and its files. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { exportDevices, restoreDevices } from '../../contract/device-bulk.ts'
import type { Device } from '../../contract/devices.ts'
import { getJobLog, type JobLog } from '../../contract/job-logs.ts'
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

/** A hall with a lamp, and four pumps. */
async function makePlant() {
  const { id: applicationId } = await makeApplication(losant)
  const make = (device: object) => losant.call<Device>('devices.post', { applicationId, device })
  for (const name of ['p1', 'p2', 'p3', 'p4']) await make({ name })
  const hall = await make({ name: 'hall', deviceClass: 'system' })
  return { applicationId, hall, lamp: await make({ name: 'lamp', parentId: hall.id }) }
}

const list = async (applicationId: string) => {
  const { items } = await losant.call<{ items: Device[] }>('devices.get', { applicationId })
  return items.map(({ name }) => name)
}

test('devices are deleted by a query, at once or by a job whose log tells how many', async () => {
  const { applicationId } = await makePlant()
  const { id: other } = await makeApplication(losant)
  const remove = (options: object, from = applicationId) =>
    losant.call<{ jobId: string }>('devices.delete', { applicationId: from, options })
  assert.deepEqual(await remove({ query: {} }, other), { removed: 0, failed: 0 })
  assert.deepEqual(await remove({ query: { name: 'lamp' } }), { removed: 1, failed: 0 })
  const queued = await ours.call(restoreDevices, { params: { applicationId }, body: { query: {}, forceJob: true } })
  assert.ok('jobId' in queued)
  assert.deepEqual((await ended(applicationId, queued.jobId)).output, { restored: 1, failed: 0 })
  const { jobId } = await losant.call<{ jobId: string }>('devices.delete', {
    applicationId,
    options: { query: { name: { $ne: 'hall' } }, forceJob: true },
  })
  assert.equal((await ended(applicationId, jobId)).output['removed'], 5)
  assert.deepEqual(await list(applicationId), ['hall'])
  assert.match((await refusal(remove({}))).message, /^options\.query is required$/)
})

test('what is known of devices is exported as CSV and as JSON', async () => {
  const { applicationId, hall, lamp } = await makePlant()
  const options = { query: { ancestorId: hall.id } }
  const { jobId } = await losant.call<{ jobId: string }>('devices.export', { applicationId, options })
  const [csv] = await download(applicationId, jobId)
  assert.equal(csv?.split('\n')[1], `${lamp.id},lamp,,standalone,${lamp.creationDate},${lamp.lastUpdated},${hall.id},`)
  const queued = await ours.call(exportDevices, { params: { applicationId }, body: { format: 'json' } })
  const [json] = await download(applicationId, queued.jobId)
  const devices: Device[] = JSON.parse(json ?? '')
  assert.deepEqual(
    devices.at(-1),
    JSON.parse(JSON.stringify({ ...lamp, connectionInfo: { connected: null }, _type: undefined, _links: undefined })),
  )
  assert.equal(devices.length, 6)
  const refused = await refusal(losant.call('devices.export', { applicationId, options: { query: { x: 1 } } }))
  assert.match(refused.message, /^options\.query\.x is not a field/)
})

test('more than a thousand devices are changed by a job, which tells whom it could not change and why', async () => {
  const { applicationId, lamp } = await makePlant()
  const gateway = await losant.call<Device>('devices.post', {
    applicationId,
    device: { name: 'gateway', deviceClass: 'gateway' },
  })
  const peripheral = { deviceClass: 'peripheral', gatewayId: gateway.id }
  for (let made = 0; made < 1000; made += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        losant.call('devices.post', { applicationId, device: { name: `d${made + index}`, ...peripheral } }),
      ),
    )
  }
  const patchInfo = { query: {}, updateFields: { deviceClass: 'standalone', description: 'changed' } }
  const { jobId } = await losant.call<{ jobId: string }>('devices.patch', { applicationId, patchInfo })
  const { output, resourceType, progress } = await ended(applicationId, jobId)
  const message = /^device\.deviceClass must stay gateway while peripherals as "d\d+" have this gateway$/
  assert.deepEqual({ ...output, failures: [] }, { updated: 1006, failed: 1, skipped: 0, failures: [] })
  const failures: { deviceId: string; message: string }[] = JSON.parse(JSON.stringify(output['failures']))
  assert.deepEqual(
    failures.map(({ deviceId }) => deviceId),
    [gateway.id],
  )
  assert.match(failures[0]?.message ?? '', message)
  assert.equal(resourceType, 'device')
  assert.ok(progress === undefined || progress.total === 1007)
  const changed = await losant.call<Device>('device.get', { applicationId, deviceId: lamp.id })
  assert.equal(changed.description, 'changed')
})

const JOB_MS = 30_000

/** Polls the log of a job until it has completed. */
async function ended(applicationId: string, jobId: string): Promise<JobLog> {
  const deadline = Date.now() + JOB_MS
  for (;;) {
    const log = await ours.call(getJobLog, { params: { applicationId, jobId } })
    if (log.status === 'completed') return log
    assert.ok(log.status === 'queued' || log.status === 'inProgress', JSON.stringify(log))
    assert.ok(Date.now() < deadline, `the job is still ${log.status}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function download(applicationId: string, jobId: string): Promise<string[]> {
  const { output } = await ended(applicationId, jobId)
  const urls = output['downloadUrls']
  assert.ok(Array.isArray(urls))
  return Promise.all(urls.map(async (url: string) => (await fetch(url)).text()))
}
