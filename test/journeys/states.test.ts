/** What devices report, sent and read back with the official client: every notation, what is refused, what is ignored. */

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { getIgnored } from '../../contract/ignored.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

const DAY_MS = 86_400_000
const DEVICE = {
  name: 'a pump',
  attributes: [
    { name: 'temperature', dataType: 'number' },
    { name: 'note', dataType: 'string' },
    { name: 'isOn', dataType: 'boolean' },
    { name: 'place', dataType: 'gps' },
  ],
}

let service: RunningService
let losant: Official
let ours: Client
let applicationId: string

before(async () => {
  service = await startService({ env: { FIELDBOOK_INGEST_MAX_AGE: '30d' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await losant.call<{ id: string }>('applications.post', { application: { name: 'a plant' } })).id
})
after(() => service[Symbol.asyncDispose]())

async function makeDevice() {
  const { id: deviceId } = await losant.call<{ id: string }>('devices.post', { applicationId, device: DEVICE })
  const ids = { applicationId, deviceId }
  return { ids, send: (deviceState: unknown) => losant.call('device.sendState', { ...ids, deviceState }) }
}

test('a batch is stored as its types say, merged by the millisecond, and read back from either end', async () => {
  const { ids, send } = await makeDevice()
  const t = Date.now() - 60_000
  const iso = (ms: number) => new Date(t + ms).toISOString()
  assert.deepEqual(
    await send([
      { time: t, data: { temperature: '20.5', isOn: 1 } },
      { time: { $date: iso(0) }, data: { isOn: false, note: 7 } },
      { time: iso(1), data: { place: `37°19'56.39"N,122°1'52.38"W` } },
      { time: String(t + 2), data: { place: '$GPGLL,4916.45,N,12311.12,W,225444,A,*1D' } },
    ]),
    { success: true },
  )
  const states = [
    { time: iso(0), data: { temperature: 20.5, isOn: false, note: '7' } },
    { time: iso(1), data: { place: '37.33233056,-122.03121667' } },
    { time: iso(2), data: { place: '49.27416667,-123.18533333' } },
  ]
  assert.deepEqual(await losant.call('device.getState', ids), [states[2]])
  assert.deepEqual(await losant.call('device.getState', { ...ids, limit: 10, sortDirection: 'asc' }), states)
  assert.deepEqual(await losant.call('device.getState', { ...ids, limit: 10, since: t + 1 }), [states[2], states[1]])
})

test('what is not kept does not fail the report, and is counted by its reason', async () => {
  const { ids, send } = await makeDevice()
  const now = Date.now()
  await send([
    { time: now - 31 * DAY_MS, data: { temperature: 1 } },
    { time: now + 2 * DAY_MS, data: { temperature: 2 } },
    { time: now, data: { temperature: 'warm', pressure: 3 } },
    { time: now, data: { temperature: 4, note: 'x'.repeat(65_537) } },
  ])
  assert.deepEqual(
    (await losant.call<{ data: object }[]>('device.getState', { ...ids, limit: 10 })).map(({ data }) => data),
    [{ temperature: 4 }],
  )
  const query = { deviceId: ids.deviceId }
  const { items, ignored } = await ours.call(getIgnored, { params: { applicationId }, query })
  assert.deepEqual(ignored, { tooOld: 1, tooFarAhead: 1, unfit: 1, undeclared: 1, empty: 1, tooLong: 1 })
  assert.deepEqual(
    items.map((item) => item.ignored),
    [ignored],
  )
})

test('a report of another shape is refused by name, and one for no device of the application is not found', async () => {
  const { ids, send } = await makeDevice()
  const cases: [unknown, RegExp][] = [
    [{}, /^deviceState\.data is required$/],
    [[{ data: { temperature: 1 } }, { data: { temperature: null } }], /^deviceState\.1\.data\.temperature must be /],
    [
      { data: { temperature: 1 }, colour: 'red' },
      /^deviceState\.colour is not a known property; allowed are data, time/,
    ],
    [{ data: { 'a b': 1 } }, /^deviceState\.data/],
    [{ data: { temperature: 1 }, time: true }, /^deviceState\.time must be /],
  ]
  for (const [state, message] of cases) {
    const refused = await refusal(send(state))
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  const elsewhere = await losant.call<{ id: string }>('applications.post', { application: { name: 'another plant' } })
  for (const wrong of [{ deviceId: 'a'.repeat(24) }, { applicationId: elsewhere.id }]) {
    const deviceState = { data: { temperature: 1 } }
    assert.equal((await refusal(losant.call('device.sendState', { ...ids, ...wrong, deviceState }))).statusCode, 404)
    assert.equal((await refusal(losant.call('device.getState', { ...ids, ...wrong }))).statusCode, 404)
  }
  const elsewhereIgnored = await ours.call(getIgnored, { params: { applicationId: elsewhere.id } })
  assert.deepEqual([elsewhereIgnored.ignored, elsewhereIgnored.items], [{}, []])
})
