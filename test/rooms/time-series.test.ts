/** Time series and last values, compared with what a few lines of plain code make of the same states. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { AttributeType, Device } from '../../contract/devices.ts'
import type { AggregationChoice, TimeSeriesQuery } from '../../contract/time-series.ts'
import { compositeState, compositeStates, lastValues } from '../../server/catalog/latest-values.ts'
import { listStates } from '../../server/catalog/states.ts'
import { timeSeries } from '../../server/catalog/time-series.ts'
import { openHistory } from '../support/history.ts'
import { makeDevice } from '../support/make.ts'
import { closeTo, naiveSeries, type Told } from '../support/series-model.ts'

const NOW = new Date('2026-03-01T12:00:00.000Z')
const T = NOW.getTime()
const ATTRIBUTES: { name: string; dataType: AttributeType }[] = [
  { name: 'level', dataType: 'number' },
  { name: 'mode', dataType: 'string' },
  { name: 'isOn', dataType: 'boolean' },
]

/** Two devices with an hour of states at odd times, some of them reported twice, and one that is silent. */
async function openPlant(t: TestContext) {
  const history = await openHistory(t)
  const { db, telemetry, applicationId } = history
  const devices: Device[] = []
  for (const name of ['a', 'b', 'silent']) {
    devices.push(
      await makeDevice(db, { applicationId, name, attributes: ATTRIBUTES, tags: [{ key: 'k', value: name }] }),
    )
  }
  const told = new Map<string, Told[]>(devices.map(({ id }) => [id, []]))
  let chance = 1
  const next = (below: number) => {
    chance = (chance * 48_271) % 2_147_483_647
    return chance % below
  }
  for (const { id, name } of devices) {
    if (name === 'silent') continue
    const states = Array.from({ length: 300 }, (): Told => {
      const doc = {
        ...(next(10) > 0 ? { level: next(2000) / 8 - 100 } : {}),
        ...(next(3) > 0 ? { mode: ['idle', 'heating', 'é"\''][next(3)] ?? '' } : {}),
        ...(next(3) > 0 ? { isOn: next(2) === 0 } : {}),
      }
      return [T - 3_600_000 + next(900) * 4001, doc]
    }).filter(([, doc]) => Object.keys(doc).length > 0)
    told.get(id)?.push(...states)
    await history.append(id, ...states)
  }
  const parts = { db, telemetry }
  const ask = (query: TimeSeriesQuery) => timeSeries(parts, applicationId, query, NOW)
  return { ...history, parts, devices, told, ask, ids: devices.map(({ id }) => id) }
}

const WORDS = ['NONE', 'FIRST', 'LAST', 'COUNT', 'MAX', 'MIN', 'MEDIAN', 'MEAN', 'SUM', 'STD_DEV'] as const
const HELD: [string, AggregationChoice][] = [250.125, -100, 'idle', 'é"\'', true, 'false', 'nothing'].map((value) => [
  `TIMEATVALUE ${value}`,
  { type: 'TIMEATVALUE', options: { value } },
])

test('every aggregation gives what plain code gives, for every kind of value and resolution', async (t) => {
  const { ask, ids, told } = await openPlant(t)
  const ranges = [
    { duration: 3_600_000, end: 0 },
    { start: -1_800_000, end: -600_001 },
    { start: T - 3_000_000, end: T + 60_000 },
  ]
  for (const [name, aggregation] of [...WORDS.map((word): [string, AggregationChoice] => [word, word]), ...HELD]) {
    for (const range of ranges) {
      for (const resolution of [undefined, 7001, 599_999.5]) {
        const query = { ...range, deviceIds: ids, aggregation, ...(resolution === undefined ? {} : { resolution }) }
        const answer = await ask(query)
        for (const id of ids) {
          const expected = naiveSeries(told.get(id) ?? [], query, NOW)
          closeTo(answer.devices[id]?.points, expected, `${name} ${JSON.stringify(range)} ${resolution} ${id}`)
        }
      }
    }
  }
})

test('answers are the same whether states are hot, sealed, or sealed and reported once more', async (t) => {
  const { ask, ids, told, parts, telemetry, applicationId, append } = await openPlant(t)
  const asked = { deviceIds: ids, start: -1_800_000, end: -600_001, resolution: 60_000 }
  const answers = async () => ({
    series: await Promise.all(
      [...WORDS, ...HELD.map(([, choice]) => choice)]
        .filter((aggregation) => aggregation !== 'STD_DEV')
        .map((aggregation) => ask({ ...asked, aggregation })),
    ),
    last: await lastValues(parts, applicationId, { deviceIds: ids }, NOW),
    composite: await compositeStates(parts, applicationId, {}, NOW),
    raw: await listStates(parts, applicationId, ids[0] ?? '', { limit: '1000' }, NOW),
  })
  // Squares of differences are rounded, and added in the order in which they are read.
  const deviations = async () => (await ask({ ...asked, aggregation: 'STD_DEV' })).devices
  const [hot, hotDeviations] = [await answers(), await deviations()]
  assert.ok(hot.raw.length > 200)
  const check = async (how: string) => {
    assert.deepEqual(await answers(), hot, how)
    const found = await deviations()
    for (const id of ids) closeTo(found[id]?.points, hotDeviations[id]?.points ?? [], `STD_DEV ${how}`)
  }
  assert.equal(await telemetry.sealNow(applicationId, new AbortController().signal), true)
  assert.deepEqual(await parts.db.query('select from hot_states'), [], 'everything is sealed')
  await check('sealed')
  for (const id of ids) await append(id, ...(told.get(id) ?? []).slice(-150))
  await check('sealed and reported once more')
})

test('an answer says what it is about, and names every chosen device', async (t) => {
  const { ask, ids, devices } = await openPlant(t)
  const { devices: answered, ...rest } = await ask({
    deviceTags: [{ key: 'k' }],
    start: -600_000,
    end: -1,
    resolution: 60_000,
    limit: 2,
    order: 'desc',
  })
  assert.deepEqual(rest, {
    start: new Date(T - 600_000).toISOString(),
    end: new Date(T - 1).toISOString(),
    resolution: 60_000,
    aggregation: 'MEAN',
    limit: 2,
    order: 'desc',
  })
  assert.deepEqual(Object.keys(answered).sort(), [...ids].sort())
  assert.deepEqual(answered[ids[2] ?? ''], { name: 'silent', tags: { k: ['silent'] }, points: [] })
  for (const { id, name } of devices.slice(0, 2)) {
    const { points = [], tags } = answered[id] ?? {}
    assert.deepEqual([tags, points.length], [{ k: [name] }, 2])
    assert.ok((points[0]?.time ?? '') > (points[1]?.time ?? ''), 'the newest first')
  }
  const [id = ''] = ids
  const newest = await ask({ deviceIds: [id], aggregation: 'NONE', order: 'desc', limit: 3 })
  const all = await ask({ deviceIds: [id], aggregation: 'NONE' })
  assert.deepEqual(newest.devices[id]?.points, all.devices[id]?.points.slice(-3).reverse())
  assert.deepEqual(
    [all.start, all.end, all.resolution, all.limit],
    ['1970-01-01T00:00:00.001Z', NOW.toISOString(), null, null],
  )
})

test('nothing chosen gives no devices, a query takes the place of ids, only attributes asked for are told', async (t) => {
  const { ask, ids } = await openPlant(t)
  assert.deepEqual((await ask({})).devices, {})
  const { devices } = await ask({
    deviceIds: ids,
    deviceQuery: { name: 'a' },
    aggregation: 'NONE',
    attributes: ['mode'],
  })
  assert.deepEqual(Object.keys(devices), [ids[0]])
  const names = new Set(Object.values(devices).flatMap(({ points }) => points.flatMap(({ data }) => Object.keys(data))))
  assert.deepEqual([...names], ['mode'])
  const unknown = await ask({ deviceIds: ids, attributes: ['nothing'] })
  assert.deepEqual(
    Object.values(unknown.devices).map(({ points }) => points),
    [[], [], []],
  )
})

test('what makes no sense, or is too much for one answer, is refused by name', async (t) => {
  const { ask, ids, db, applicationId } = await openPlant(t)
  const cases: [TimeSeriesQuery, RegExp][] = [
    [{ start: -1, end: -1 }, /^query\.end must be after query\.start$/],
    [{ duration: 1e86 }, /^the start that query\.duration leads to must be a time within ten thousand years$/],
    [{ start: 9e15 }, /^query\.start must be a time within ten thousand years$/],
    [{ aggregation: { type: 'TIMEATVALUE' } }, /^query\.aggregation\.options\.value is required$/],
    [
      { aggregation: { type: 'MEAN', options: { value: 1 } } },
      /^query\.aggregation\.options\.value is for TIMEATVALUE/,
    ],
    [
      { deviceIds: ids, aggregation: { type: 'TIMEATVALUE', options: { value: 1 } }, resolution: 60_000 },
      /^query\.start or query\.duration is required/,
    ],
    [
      { deviceIds: ids, aggregation: { type: 'TIMEATVALUE', options: { value: 1 } }, resolution: 1, duration: 50_001 },
      /^query\.resolution must be at least 3 ms for this range$/,
    ],
    [{ deviceQuery: { colour: 'red' } }, /^query\.deviceQuery\.colour /],
  ]
  for (const [query, message] of cases) await assert.rejects(ask(query), { kind: 'invalid', message })
  await db.query(
    `insert into devices (id, application_id, name) select lpad(to_hex(n), 24, '0'), $1, 'n' from generate_series(1, 998) n`,
    [applicationId],
  )
  await assert.rejects(ask({ deviceQuery: {} }), /^AppError: query must mean at most 1000 devices/)
})

test('texts that are together too long are refused before they are read', async (t) => {
  const history = await openHistory(t)
  const { db, telemetry, applicationId } = history
  const { id } = await makeDevice(db, { applicationId, attributes: ATTRIBUTES })
  const mode = 'x'.repeat(65_536)
  for (let part = 0; part < 3; part++) {
    await history.append(id, ...Array.from({ length: 100 }, (_, n): Told => [T - 1000 + part * 100 + n, { mode }]))
  }
  const parts = { db, telemetry }
  const ask = (rest: TimeSeriesQuery) =>
    timeSeries(parts, applicationId, { deviceIds: [id], aggregation: 'NONE', ...rest }, NOW)
  await assert.rejects(ask({}), /more than 100000 points|more than \d+ points or 16 MiB of text/)
  assert.equal((await ask({ limit: 256 })).devices[id]?.points.length, 256)
  const counted = await ask({ aggregation: 'COUNT' })
  assert.deepEqual(
    counted.devices[id]?.points.map(({ data }) => data),
    [{ mode: 300 }],
  )
})

test('a sum that is no number any more is no value, and the others stay', async (t) => {
  const history = await openHistory(t)
  const { db, telemetry, applicationId } = history
  const attributes = [...ATTRIBUTES, { name: 'other', dataType: 'number' as const }]
  const { id } = await makeDevice(db, { applicationId, attributes })
  await history.append(id, [T - 3, { level: 1.5e308, other: 1 }], [T - 2, { level: 1.5e308, other: 3 }])
  const dataOf = async (aggregation: AggregationChoice) =>
    (await timeSeries({ db, telemetry }, applicationId, { deviceIds: [id], aggregation }, NOW)).devices[id]?.points[0]
      ?.data
  assert.deepEqual(await dataOf('SUM'), { other: 4 })
  assert.deepEqual(await dataOf('STD_DEV'), { other: 1 })
  assert.deepEqual(await dataOf('MAX'), { level: 1.5e308, other: 3 })
})

test('composite states and last values are the newest of each attribute, up to their end and with it', async (t) => {
  const history = await openHistory(t)
  const { db, telemetry, applicationId } = history
  const attributes = [...ATTRIBUTES, { name: '__proto__', dataType: 'number' as const }]
  const first = await makeDevice(db, { applicationId, name: 'b', attributes })
  const second = await makeDevice(db, { applicationId, name: 'a', attributes: [{ name: 'level', dataType: 'string' }] })
  const silent = await makeDevice(db, { applicationId, name: 'c', attributes })
  await history.append(
    first.id,
    [T - 30, { level: 1, mode: 'idle' }],
    [T - 20, { level: 2, isOn: false, undeclared: 9 }],
    [T - 10, { mode: '' }],
    [T + 10, { level: 3 }],
  )
  await history.append(second.id, [T - 5, { level: 'high' }])
  const at = (ms: number) => new Date(T + ms).toISOString()
  const parts = { db, telemetry }
  const one = (query: object = {}) => compositeState(parts, applicationId, first.id, query, NOW)
  const whole = {
    level: { value: 2, time: at(-20) },
    mode: { value: '', time: at(-10) },
    isOn: { value: false, time: at(-20) },
  }
  assert.deepEqual(await one(), whole)
  assert.deepEqual(await one({ end: String(T + 10), attributes: 'level,mode' }), {
    level: { value: 3, time: at(10) },
    mode: whole.mode,
  })
  assert.deepEqual(await one({ start: String(T - 20), end: String(T - 20) }), { level: whole.level, isOn: whole.isOn })
  assert.deepEqual(await one({ attributes: 'nothing' }), {})
  const { items, ...page } = await compositeStates(
    parts,
    applicationId,
    { perPage: '2', query: { name: { $ne: 'x' } } },
    NOW,
  )
  assert.deepEqual(items, [
    { id: second.id, name: 'a', compositeState: { level: { value: 'high', time: at(-5) } } },
    { id: first.id, name: 'b', compositeState: whole },
  ])
  assert.deepEqual([page.count, page.totalCount, page.perPage, page.query], [2, 3, 2, { name: { $ne: 'x' } }])
  const deviceIds = [first.id, second.id, silent.id]
  const last = (query: object) => lastValues(parts, applicationId, { deviceIds, ...query }, NOW)
  assert.deepEqual(await last({ attribute: 'level' }), {
    [first.id]: { time: at(-20), data: { level: 2 } },
    [second.id]: { time: at(-5), data: { level: 'high' } },
  })
  assert.deepEqual(await last({ attribute: 'level', end: -25 }), { [first.id]: { time: at(-30), data: { level: 1 } } })
  assert.deepEqual(await last({}), {
    [first.id]: { time: at(-10), data: { mode: '' } },
    [second.id]: { time: at(-5), data: { level: 'high' } },
  })
})

for (const where of ['hot', 'sealed']) {
  test(`${where}: a list of states that are too long together is refused, and fewer of them are given`, async (t) => {
    const history = await openHistory(t)
    const { db, telemetry, applicationId } = history
    const { id } = await makeDevice(db, { applicationId, attributes: ATTRIBUTES })
    const mode = 'x'.repeat(65_000)
    for (let part = 0; part < 6; part++) {
      await history.append(id, ...Array.from({ length: 50 }, (_, n): Told => [T - 1000 + part * 50 + n, { mode }]))
      if (where === 'sealed') await telemetry.sealNow(applicationId, new AbortController().signal)
    }
    const list = (limit: string) => listStates({ db, telemetry }, applicationId, id, { limit }, NOW)
    await assert.rejects(list('1000'), { kind: 'invalid', message: /more than 16 MiB; ask for fewer by limit/ })
    assert.equal((await list('250')).length, 250)
  })
}
