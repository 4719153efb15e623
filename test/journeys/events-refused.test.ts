/** Events and job logs that can not be: refused by name, and what is foreign is not there. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { type Event, type EventPost, exportEvents } from '../../contract/application-events.ts'
import type { Device } from '../../contract/devices.ts'
import { getJobLog, listJobLogs } from '../../contract/job-logs.ts'
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

async function makePlant() {
  const { id: applicationId } = await makeApplication(losant)
  const device = await losant.call<Device>('devices.post', { applicationId, device: { name: 'pump 1' } })
  const tell = (event: Partial<EventPost>) =>
    losant.call<Event>('events.post', { applicationId, event: { level: 'info', subject: 'something', ...event } })
  return { applicationId, device, tell }
}

test('what can not be is refused by name, and what is foreign is not there', async () => {
  const { applicationId, tell } = await makePlant()
  const other = await makePlant()
  const { id: eventId } = await tell({})
  const event = { level: 'info', subject: 'x' }
  const refusals: [call: () => Promise<unknown>, status: number, message: RegExp][] = [
    [() => losant.call('events.post', { applicationId, event: { subject: 'x' } }), 400, /^event\.level is required/],
    [
      () => losant.call('events.post', { applicationId, event: { ...event, level: 'bad' } }),
      400,
      /^event\.level must be one of info, warning/,
    ],
    [
      () => losant.call('events.post', { applicationId, event: { ...event, colour: 1 } }),
      400,
      /^event\.colour is not a known property/,
    ],
    [
      () => losant.call('events.post', { applicationId, event: { ...event, eventTags: { 'a b': 'x' } } }),
      400,
      /^event\.eventTags/,
    ],
    [
      () => losant.call('events.post', { applicationId, event: { ...event, deviceId: other.device.id } }),
      400,
      /^event\.deviceId must be the id of a device/,
    ],
    [
      () => losant.call('events.post', { applicationId, event: { ...event, creationDate: 'noon' } }),
      400,
      /^event\.creationDate must be a time/,
    ],
    [() => losant.call('events.get', { applicationId, query: { colour: 1 } }), 400, /^query\.colour is not a field/],
    [() => losant.call('events.get', { applicationId, state: 'open' }), 400, /^state must be one of new, acknowledged/],
    [() => losant.call('events.get', { applicationId, sortField: 'data' }), 400, /^sortField must be one of/],
    [
      () => losant.call('events.patch', { applicationId, updates: { state: 'open' } }),
      400,
      /^updates\.state must be one of/,
    ],
    [
      () => losant.call('events.patch', { applicationId, query: { a: 1 }, updates: { state: 'new' } }),
      400,
      /^query\.a is not a field/,
    ],
    [() => losant.call('events.delete', { applicationId, query: { $or: 1 } }), 400, /^query\.\$or must be a list/],
    [
      () => losant.call('events.export', { applicationId, exportData: { query: { a: 1 } } }),
      400,
      /^exportData\.query\.a is not a field/,
    ],
    [
      () => losant.call('events.export', { applicationId, exportData: { format: 'xml' } }),
      400,
      /^exportData\.format must be one of csv, json/,
    ],
    [() => losant.call('events.export', { applicationId, exportData: { email: 'nobody' } }), 400, /^exportData\.email/],
    [() => losant.call('event.get', { applicationId, eventId: 'x' }), 400, /^eventId must be 24 hexadecimal digits/],
    [() => losant.call('event.get', { applicationId: other.applicationId, eventId }), 404, /^Event was not found/],
    [
      () => losant.call('event.patch', { applicationId: other.applicationId, eventId, event: { comment: 'x' } }),
      404,
      /^Event was/,
    ],
    [() => losant.call('event.delete', { applicationId: other.applicationId, eventId }), 404, /^Event was/],
    [() => losant.call('events.get', { applicationId: UNKNOWN }), 404, /^Application was not found/],
    [() => losant.call('events.delete', { applicationId: UNKNOWN, query: {} }), 404, /^Application was/],
    [() => losant.call('events.export', { applicationId: UNKNOWN, exportData: {} }), 404, /^Application was/],
  ]
  for (const [call, status, message] of refusals) {
    const { statusCode, message: said } = await refusal(call())
    assert.equal(statusCode, status, said)
    assert.match(said, message)
  }
  const { jobId } = await ours.call(exportEvents, { params: { applicationId }, body: {} })
  const lookups: [applicationId: string, jobId: string, status: number][] = [
    [other.applicationId, jobId, 404],
    [applicationId, UNKNOWN, 404],
    [applicationId, 'no-such-job', 400],
    [UNKNOWN, jobId, 404],
  ]
  for (const [of, id, status] of lookups) {
    await assert.rejects(ours.call(getJobLog, { params: { applicationId: of, jobId: id } }), { status })
  }
  const query = '{"colour":1}'
  await assert.rejects(ours.call(listJobLogs, { params: { applicationId }, query: { query } }), {
    status: 400,
    message: /^query\.colour is not a field; allowed are id, runQueuedAt/,
  })
})
