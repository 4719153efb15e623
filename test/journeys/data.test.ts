/** Questions about the history of devices, asked with the official client. */

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { signIn } from '../../client/client.ts'
import { listCompositeStates } from '../../contract/composite-states.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

const MINUTE_MS = 60_000

let service: RunningService
let losant: Official
let applicationId: string
let ids: string[]
let start: number

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  applicationId = (await losant.call<{ id: string }>('applications.post', { application: { name: 'a plant' } })).id
  start = Date.now() - 10 * MINUTE_MS
  const attributes = [
    { name: 'voltage', dataType: 'number' },
    { name: 'isOn', dataType: 'boolean' },
  ]
  ids = []
  for (const floor of ['7', '8']) {
    const device = { name: `meter ${floor}`, attributes, tags: [{ key: 'floor', value: floor }] }
    const { id: deviceId } = await losant.call<{ id: string }>('devices.post', { applicationId, device })
    const deviceState = Array.from({ length: 10 }, (_, minute) => ({
      time: start + minute * MINUTE_MS,
      data: { voltage: minute + Number(floor), isOn: minute < 4 },
    }))
    await losant.call('device.sendState', { applicationId, deviceId, deviceState })
    ids.push(deviceId)
  }
})
after(() => service[Symbol.asyncDispose]())

interface Series {
  resolution: number | null
  devices: Record<string, { name: string; tags: object; points: { time: string; data: object }[] }>
}

const ask = (query: object) => losant.call<Series>('data.timeSeriesQuery', { applicationId, query })
const iso = (minute: number) => new Date(start + minute * MINUTE_MS).toISOString()

test('a time series is put together in stretches, for the devices of a tag', async () => {
  const query = {
    deviceTags: [{ key: 'floor', value: '8' }],
    attributes: ['voltage'],
    start,
    resolution: 5 * MINUTE_MS,
  }
  const answer = await ask({ ...query, end: start + 10 * MINUTE_MS, aggregation: 'MEAN' })
  assert.deepEqual(answer, {
    start: iso(0),
    end: iso(10),
    resolution: 5 * MINUTE_MS,
    aggregation: 'MEAN',
    limit: null,
    order: 'asc',
    devices: {
      [ids[1] ?? '']: {
        name: 'meter 8',
        tags: { floor: ['8'] },
        points: [
          { time: iso(0), data: { voltage: 10 } },
          { time: iso(5), data: { voltage: 15 } },
        ],
      },
    },
  })
})

test('raw states, the time at a value, and devices of a query', async () => {
  const range = { start, end: start + 10 * MINUTE_MS }
  const raw = await ask({ ...range, deviceIds: ids, aggregation: { type: 'NONE' }, order: 'desc', limit: 2 })
  assert.deepEqual(
    ids.map((id) => raw.devices[id]?.points),
    [7, 8].map((floor) =>
      [9, 8].map((minute) => ({ time: iso(minute), data: { voltage: minute + floor, isOn: false } })),
    ),
  )
  const deviceQuery = { name: { $startsWith: 'meter' }, tags: { floor: '7' } }
  const aggregation = { type: 'TIMEATVALUE', options: { value: true } }
  const held = await ask({ ...range, deviceQuery, aggregation, resolution: 3 * MINUTE_MS })
  assert.deepEqual(held.devices[ids[0] ?? '']?.points, [
    { time: iso(0), data: { isOn: 3 * MINUTE_MS } },
    { time: iso(3), data: { isOn: MINUTE_MS } },
  ])
})

test('last values and composite states', async () => {
  const [deviceId = ''] = ids
  assert.deepEqual(
    await losant.call('data.lastValueQuery', { applicationId, query: { attribute: 'voltage', deviceIds: ids } }),
    Object.fromEntries(ids.map((id, index) => [id, { time: iso(9), data: { voltage: 16 + index } }])),
  )
  assert.deepEqual(await losant.call('device.getCompositeState', { applicationId, deviceId }), {
    voltage: { value: 16, time: iso(9) },
    isOn: { value: false, time: iso(9) },
  })
  // The official client of this version does not have this one.
  const ours = await signIn(service.url, EMAIL, PASSWORD)
  const query = JSON.stringify({ name: { $startsWith: 'meter' } })
  const page = await ours.call(listCompositeStates, {
    params: { applicationId },
    query: { attributes: 'voltage', end: String(start + MINUTE_MS), sortDirection: 'desc', perPage: '1', query },
  })
  assert.deepEqual(page, {
    items: [{ id: ids[1], name: 'meter 8', compositeState: { voltage: { value: 9, time: iso(1) } } }],
    count: 1,
    totalCount: 2,
    perPage: 1,
    page: 0,
    sortField: 'name',
    sortDirection: 'desc',
    query: { name: { $startsWith: 'meter' } },
    applicationId,
  })
})

test('what makes no sense is refused by name, and foreign things are not found', async () => {
  const cases: [object, RegExp][] = [
    [{ aggregation: 'AVERAGE' }, /^query\.aggregation must be one of NONE, FIRST/],
    [{ resolution: 0 }, /^query\.resolution must be at least 1, and is 0$/],
    [{ limit: 'all' }, /^query\.limit must be a number, not a string$/],
    [{ start: 5, end: 4 }, /^query\.end must be after query\.start$/],
    [{ colour: 'red' }, /^query\.colour is not a known property; allowed are start, end/],
    [{ deviceQuery: { colour: 'red' } }, /^query\.deviceQuery\.colour /],
  ]
  for (const [query, message] of cases) {
    const refused = await refusal(ask(query))
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  const foreign = { applicationId: 'a'.repeat(24), deviceId: ids[0], query: {} }
  for (const operation of ['data.timeSeriesQuery', 'data.lastValueQuery', 'device.getCompositeState'] as const) {
    assert.equal((await refusal(losant.call(operation, foreign))).statusCode, 404)
  }
  const absent = { applicationId, deviceId: 'a'.repeat(24) }
  assert.equal((await refusal(losant.call('device.getCompositeState', absent))).statusCode, 404)
  const elsewhere = await losant.call<{ id: string }>('applications.post', { application: { name: 'another plant' } })
  const query = { deviceIds: ids, aggregation: 'LAST' }
  const seen = await losant.call<Series>('data.timeSeriesQuery', { applicationId: elsewhere.id, query })
  assert.deepEqual(seen.devices, {})
  const when = await refusal(
    losant.call('device.getCompositeState', { applicationId, deviceId: ids[0], start: 'soon' }),
  )
  assert.match(when.message, /^start must be a time/)
})
