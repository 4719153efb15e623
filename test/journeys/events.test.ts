/** Events and the jobs behind them: told, found, worked on, changed and deleted together, exported; and who hears of it. */

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { type Event, type EventPost, mostRecentBySeverity } from '../../contract/application-events.ts'
import { getCallbackSecret } from '../../contract/deliveries.ts'
import type { Device } from '../../contract/devices.ts'
import { getJobLog, type JobLog, type JobQueued, listJobLogs } from '../../contract/job-logs.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { startReceiver } from '../support/receiver.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication } from '../support/steps.ts'
import { until } from '../support/until.ts'

let service: RunningService
let losant: Official
let ours: Client

before(async () => {
  // The receiver of callbacks is on this machine.
  service = await startService({ env: { FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

interface Events {
  items: Event[]
  totalCount: number
  [about: string]: unknown
}

async function makePlant() {
  const { id: applicationId } = await makeApplication(losant)
  const device = await losant.call<Device>('devices.post', { applicationId, device: { name: 'pump 1' } })
  const tell = (event: Partial<EventPost>) =>
    losant.call<Event>('events.post', { applicationId, event: { level: 'info', subject: 'something', ...event } })
  return { applicationId, device, tell }
}

/** The log of a job once it has ended. */
async function ended(applicationId: string, jobId: string): Promise<JobLog> {
  let log: JobLog | undefined
  await until(async () => {
    log = await ours.call(getJobLog, { params: { applicationId, jobId } })
    return log.runCompletedAt !== undefined
  })
  assert.ok(log)
  return log
}

test('an event is told, found in a list, worked on, and forgotten', async () => {
  const { applicationId, device, tell } = await makePlant()
  const event = await tell({
    level: 'error',
    subject: 'abnormal power to pump 1',
    message: '3 kW',
    data: { power: 3000 },
    deviceId: device.id,
    eventTags: { floor: '1' },
    creationDate: '2026-01-02T03:04:05Z',
  })
  assert.deepEqual(
    [event.state, event.creationDate, event.deviceName, event.sourceType, event.sourceName],
    ['new', '2026-01-02T03:04:05.000Z', 'pump 1', 'user', EMAIL],
  )
  const self = { href: `/applications/${applicationId}/events/${event.id}` }
  assert.deepEqual(Object(event)['_links'], { self })
  await tell({ subject: 'all is well', state: 'resolved' })

  const list = (params: object) => losant.call<Events>('events.get', { applicationId, ...params })
  const found = await list({ filterField: 'subject', filter: 'ABNORMAL power to *', state: 'new' })
  assert.deepEqual(
    [found.items.map(({ id }) => id), found['filter'], found['filterField'], found['state'], found['sortField']],
    [[event.id], 'ABNORMAL power to *', 'subject', 'new', 'creationDate'],
  )
  const asked = await list({ query: { eventTags: { floor: '1' }, deviceId: device.id } })
  assert.deepEqual([asked.totalCount, asked['query']], [1, { eventTags: { floor: '1' }, deviceId: device.id }])
  assert.deepEqual(
    (await list({ sortField: 'level', sortDirection: 'asc' })).items.map(({ level }) => level),
    ['info', 'error'],
  )

  const params = { applicationId, eventId: event.id }
  const patched = await losant.call<Event>('event.patch', {
    ...params,
    event: { state: 'acknowledged', comment: 'on my way', deviceId: null, eventTags: { floor: '2' } },
  })
  assert.equal(patched.deviceId, undefined)
  assert.deepEqual(patched.updates, [
    {
      sourceType: 'user',
      sourceId: event.sourceId,
      sourceName: EMAIL,
      creationDate: patched.updates[0]?.creationDate,
      comment: 'on my way',
      state: 'acknowledged',
      stateChange: { old: 'new', new: 'acknowledged' },
      deviceIdChange: { old: device.id, oldDeviceName: 'pump 1' },
      tagsChange: { floor: { old: '1', new: '2' } },
    },
  ])
  const read = await losant.call<Event>('event.get', params)
  assert.deepEqual(read, patched)
  await losant.call('event.delete', params)
  assert.equal((await refusal(losant.call('event.get', params))).statusCode, 404)
})

test('the most severe new event is the one to look at first', async () => {
  const { applicationId, tell } = await makePlant()
  const look = (query: object = {}) => ours.call(mostRecentBySeverity, { params: { applicationId }, query })
  assert.deepEqual(await look(), { newCount: 0 })
  await tell({ level: 'critical', subject: 'fire', state: 'resolved' })
  const { id } = await tell({ level: 'error', subject: 'smoke' })
  await tell({ level: 'warning', subject: 'warm' })
  const most = await look()
  assert.deepEqual([most.event?.id, most.newCount], [id, 2])
  const some = await look({ query: JSON.stringify({ subject: { $startsWith: 'w' } }) })
  assert.deepEqual([some.event?.subject, some.newCount], ['warm', 1])
})

test('few are changed and deleted at once', async () => {
  const { applicationId, tell } = await makePlant()
  const other = await makePlant()
  await other.tell({ subject: 'foreign' })
  for (const subject of ['a 1', 'a 2', 'b']) await tell({ subject })
  await losant.call('events.patch', {
    applicationId,
    filterField: 'subject',
    filter: 'a *',
    updates: { state: 'resolved', comment: 'both' },
  })
  const { items } = await losant.call<Events>('events.get', { applicationId, query: { state: 'resolved' } })
  assert.deepEqual(items.map(({ subject, updates }) => [subject, updates[0]?.comment]).sort(), [
    ['a 1', 'both'],
    ['a 2', 'both'],
  ])
  const removed = await losant.call('events.delete', { applicationId, query: { state: 'resolved' } })
  assert.deepEqual(removed, { removed: 2 })
  assert.deepEqual(await losant.call('events.delete', { applicationId, query: {} }), { removed: 1 })
  assert.equal((await losant.call<Events>('events.get', { applicationId: other.applicationId })).totalCount, 1)
})

test('an export is a job: logged, told by callback, its file behind a link', async (t) => {
  const { applicationId, tell } = await makePlant()
  const { id } = await tell({ level: 'error', subject: 'one' })
  await tell({ subject: 'two' })
  const receiver = await startReceiver(t)
  const queued = await losant.call<JobQueued>('events.export', {
    applicationId,
    exportData: { query: { level: 'error' }, format: 'json', callbackUrl: receiver.url, email: 'ann@example.com' },
  })
  assert.deepEqual([queued.success, queued.jobQueued], [true, true])
  const log = await ended(applicationId, queued.jobId)
  assert.deepEqual(
    [log.status, log.name, log.resourceType, log.requestedByType, log.output['events']],
    ['completed', 'Export of events', 'event', 'user', 1],
  )
  assert.deepEqual([log.input['emails'], log.input['callbackUrl']], [['ann@example.com'], receiver.url])
  const [link] = Object(log.output['downloadUrls'])
  const events: Event[] = Object(await (await fetch(link)).json())
  assert.deepEqual(events, [
    (await losant.call<Events>('events.get', { applicationId, query: { id } })).items.map(plain)[0],
  ])

  await until(() => receiver.received.length > 0)
  const [told] = receiver.received
  assert.ok(told)
  const body = JSON.parse(told.body)
  assert.deepEqual(
    [body.jobId, body.jobExecutionId, body.applicationId, body.success, body.downloadUrls.length],
    [queued.jobId, log.id, applicationId, true, 1],
  )
  assert.equal((await fetch(body.downloadUrl)).status, 200)
  const { secret } = await ours.call(getCallbackSecret, { params: { applicationId } })
  const [, at, signature] = /^t=(\d+),v1=(.+)$/.exec(String(told.headers['x-fieldbook-signature'])) ?? []
  assert.equal(createHmac('sha256', secret).update(`${at}.${told.body}`).digest('hex'), signature)

  const byId = await ours.call(getJobLog, { params: { applicationId, jobId: log.id.toUpperCase() } })
  assert.equal(byId.id, log.id)
})

/** As it is in a file: without what the API adds. */
const plain = ({ _type: _, _links: __, ...event }: Event & { _type?: unknown; _links?: unknown }) => event

test('more than a thousand are changed and deleted by a job', { timeout: 120_000 }, async () => {
  const { applicationId, tell } = await makePlant()
  const subjects = Array.from({ length: 1001 }, (_, n) => `event ${n}`)
  while (subjects.length > 0) await Promise.all(subjects.splice(0, 20).map((subject) => tell({ subject })))
  const patched = await losant.call<JobQueued>('events.patch', { applicationId, updates: { level: 'warning' } })
  const log = await ended(applicationId, patched.jobId)
  assert.deepEqual([log.status, log.output], ['completed', { updated: 1001 }])
  assert.deepEqual(log.input['emails'], [EMAIL])
  const deleted = await losant.call<JobQueued>('events.delete', { applicationId, query: { level: 'warning' } })
  assert.deepEqual((await ended(applicationId, deleted.jobId)).output, { removed: 1001 })
  assert.equal((await losant.call<Events>('events.get', { applicationId })).totalCount, 0)

  const logs = await ours.call(listJobLogs, { params: { applicationId } })
  assert.deepEqual(
    [logs.items.map(({ name }) => name), logs.totalCount, logs.sortField, logs.sortDirection, logs.applicationId],
    [['Change of events', 'Deletion of events'], 2, 'runQueuedAt', 'asc', applicationId],
  )
  const query = JSON.stringify({ name: { $startsWith: 'Deletion' }, status: 'completed' })
  const some = await ours.call(listJobLogs, {
    params: { applicationId },
    query: { query, sortField: 'runCompletedAt' },
  })
  assert.deepEqual(
    some.items.map(({ output }) => output),
    [{ removed: 1001 }],
  )
  const none = await ours.call(listJobLogs, { params: { applicationId }, query: { query: '{"status":"failed"}' } })
  assert.equal(none.totalCount, 0)
})
