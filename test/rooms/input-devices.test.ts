/** The inputs that choose devices: by ids, tags and queries with templates in all of them, and what they write. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { appendConnections } from '../../server/stores/telemetry/connections.ts'
import { appendStates } from '../../server/stores/telemetry/hot.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { gathered, makeStaging, RELATIVE_TO } from '../support/staging.ts'

const DAY_MS = 86_400_000
const NOW = RELATIVE_TO.getTime()

/** Two pumps and a valve, each with one state and one connection, the hour before the query time. */
async function makePlant(db: Database) {
  const { id: applicationId } = await makeApplication(db)
  const attributes = [
    { name: 'temp', dataType: 'number' as const },
    { name: 'on', dataType: 'boolean' as const },
  ]
  const made = []
  for (const [name, tags] of [
    ['pump 1', [{ key: 'kind', value: 'pump' }]],
    [
      'pump 2',
      [
        { key: 'kind', value: 'pump' },
        { key: 'site', value: 'north' },
      ],
    ],
    ['valve', [{ key: 'kind', value: 'valve' }]],
  ] as const) {
    const device = await makeDevice(db, { applicationId, name, tags: [...tags], attributes })
    const ts = NOW - 3_600_000 + made.length
    await appendStates(db, applicationId, device.id, [{ ts, doc: { temp: 20.5 + made.length, on: true } }])
    await appendConnections(db, applicationId, device.id, [{ ts, connected: true, ipAddress: '10.0.0.1' }])
    made.push(device)
  }
  const [pump1, pump2, valve] = made
  assert.ok(pump1 && pump2 && valve)
  return { applicationId, pump1, pump2, valve }
}

const RANGE = { start: -DAY_MS, end: 0 }
const data = (rest: object): NotebookInput => ({ inputType: 'deviceData', fileName: 'data.csv', ...RANGE, ...rest })
/** The ids that begin the rows of a CSV. */
const idsOf = (csv: string) =>
  csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[0])

test('devices are chosen by ids or tags, a query wins over both, and templates stand in all of them', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, pump1, pump2, valve } = await makePlant(db)
  const context = {
    ctx: { id: valve.id, kind: 'pump', field: 'kind', name: 'quoted " name' },
    globals: { site: 'north' },
  }
  const staging = await makeStaging(t, db, applicationId, { context })
  const cases: [selection: object, devices: string[]][] = [
    [{ deviceIds: [pump2.id, pump1.id.toUpperCase()] }, [pump1.id, pump2.id]],
    [{ deviceIds: ['{{ctx.id}}'], deviceTags: [{ key: 'site' }] }, [pump2.id, valve.id]],
    [{ deviceTags: [{ key: '{{ctx.field}}', value: '{{ctx.kind}}' }] }, [pump1.id, pump2.id]],
    [{ deviceTags: [{ value: '{{globals.site}}' }] }, [pump2.id]],
    [{ deviceTags: [{}] }, []],
    [{ queryJson: '{}', deviceIds: [pump1.id] }, [pump1.id, pump2.id, valve.id]],
    [{ queryJson: '  ', deviceIds: [pump1.id] }, [pump1.id]],
    [{ queryJson: '{{#if ctx.none}}{}{{/if}}', deviceIds: [pump1.id] }, [pump1.id]],
    [{ queryJson: '{"name": {"$startsWith": "pump"}}' }, [pump1.id, pump2.id]],
    [{ queryJson: '{"tags": {"kind": {{jsonEncode ctx.kind}} }}' }, [pump1.id, pump2.id]],
    [{ queryJson: '{"name": {{jsonEncode ctx.name}} }' }, []],
  ]
  for (const [selection, devices] of cases) {
    assert.deepEqual(idsOf(await gathered(staging, data(selection))), devices, JSON.stringify(selection))
  }
  assert.deepEqual(staging.warnings, [])
})

test('nothing given chooses no devices, and says so', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId } = await makePlant(db)
  const staging = await makeStaging(t, db, applicationId)
  assert.equal(await gathered(staging, data({})), 'ID,Timestamp\n')
  assert.equal(await gathered(staging, data({ attributes: ['temp'] })), 'ID,Timestamp,temp\n')
  const metadata: NotebookInput = { inputType: 'deviceMetadata', fileName: 'devices.json', format: 'json' }
  assert.equal(await gathered(staging, metadata), '[]\n')
  assert.equal(staging.warnings.length, 3)
  assert.match(staging.warnings[0] ?? '', /^Input "data.csv" chooses no devices, so it is empty/)
})

test('devices of another application are not chosen', async (t) => {
  const db = await openTestDatabase(t)
  const { pump1 } = await makePlant(db)
  const staging = await makeStaging(t, db, (await makePlant(db)).applicationId)
  assert.equal(await gathered(staging, data({ deviceIds: [pump1.id], attributes: ['temp'] })), 'ID,Timestamp,temp\n')
})

const refused: [selection: object, reason: RegExp][] = [
  [{ deviceIds: ['{{ctx.none}}'] }, /^deviceIds: "\{\{ctx.none\}\}" renders to "", which is not a device id$/],
  [{ queryJson: '{"name": ' }, /^queryJson must be JSON text: /],
  [{ queryJson: '{"name": "{{ctx.quote}}"}' }, /^queryJson must be JSON text: /],
  [{ queryJson: '{"nome": 1}' }, /^queryJson\.nome/],
  [{ queryJson: '{"$or": [{"name": {"$foo": 1}}]}' }, /^queryJson\.\$or\.0\.name\.\$foo/],
  [{ queryJson: '{{nothing here}}' }, /can't be rendered/],
]
for (const [selection, reason] of refused) {
  test(`the selection ${JSON.stringify(selection)} is refused in words`, async (t) => {
    const db = await openTestDatabase(t)
    const context = { ctx: { quote: '"' }, globals: {} }
    const staging = await makeStaging(t, db, (await makeApplication(db)).id, { context })
    await assert.rejects(gathered(staging, data(selection)), { kind: 'invalid', message: reason })
  })
}

test('deviceData: attributes in the order asked for, a range that begins with its first millisecond', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, pump1, valve } = await makePlant(db)
  const staging = await makeStaging(t, db, applicationId)
  const deviceIds = [pump1.id, valve.id]
  assert.equal(
    await gathered(staging, data({ deviceIds, attributes: ['on', 'none', 'temp'] })),
    `ID,Timestamp,on,none,temp\n${pump1.id},${NOW - 3_600_000},1,,20.5\n${valve.id},${NOW - 3_599_998},1,,22.5\n`,
  )
  assert.deepEqual(idsOf(await gathered(staging, data({ deviceIds, start: -3_599_999 }))), [valve.id])
  assert.deepEqual(idsOf(await gathered(staging, data({ deviceIds, end: -3_599_998 }))), [pump1.id])
  assert.deepEqual(idsOf(await gathered(staging, data({ deviceIds, start: 1 }))), deviceIds)
  assert.deepEqual(idsOf(await gathered(staging, data({ deviceIds, start: NOW - 10, end: NOW }))), [])
})

test('deviceData: without attributes asked for, all that the devices declare in the order first seen', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  for (const names of [['b', 'a'], ['c', 'b'], [], ['a', 'd']]) {
    const attributes = names.map((name) => ({ name, dataType: 'number' as const }))
    await makeDevice(db, { applicationId, attributes })
  }
  const staging = await makeStaging(t, db, applicationId)
  assert.equal(await gathered(staging, data({ queryJson: '{}' })), 'ID,Timestamp,b,a,c,d\n')
})

test('deviceConnectionHistory: when devices came and went', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, pump1, valve } = await makePlant(db)
  const gone = { ts: NOW - 1000, connected: false, disconnectReason: 'slept, "long"', messagesFromClient: 5 }
  await appendConnections(db, applicationId, pump1.id, [gone, { ...gone, ts: NOW }])
  const staging = await makeStaging(t, db, applicationId)
  const input: NotebookInput = {
    inputType: 'deviceConnectionHistory',
    fileName: 'connections.csv',
    ...RANGE,
    deviceIds: [pump1.id, valve.id],
  }
  assert.equal(
    await gathered(staging, input),
    `ID,Timestamp,connected,disconnectReason,messagesFromClient,messagesToClient,ipAddress
${pump1.id},${NOW - 3_600_000},1,,,,10.0.0.1
${pump1.id},${NOW - 1000},0,"slept, ""long""",5,,
${valve.id},${NOW - 3_599_998},1,,,,10.0.0.1
`,
  )
})

test('deviceMetadata: CSV with a column for each tag, and JSON of whole devices', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, pump2 } = await makePlant(db)
  const staging = await makeStaging(t, db, applicationId)
  const input = { inputType: 'deviceMetadata' as const, deviceTags: [{ key: 'site' }] }
  const { creationDate, lastUpdated } = pump2
  assert.equal(
    await gathered(staging, { ...input, fileName: 'devices.csv' }),
    `ID,Name,Description,Device Class,Creation Date,Last Updated,Parent ID,Gateway ID,kind,site
${pump2.id},pump 2,,standalone,${creationDate},${lastUpdated},,,pump,north
`,
  )
  const [device] = JSON.parse(await gathered(staging, { ...input, fileName: 'devices.json', format: 'json' }))
  assert.equal(device.deviceId, pump2.id)
  assert.deepEqual(
    device.attributes.map(({ name }: { name: string }) => name),
    ['temp', 'on'],
  )
  assert.equal(device.connectionInfo.connected, 1)
})

test('an input that is told to stop stops, also in the middle, and says why', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, pump1 } = await makePlant(db)
  const inputs: NotebookInput[] = [
    data({ deviceIds: [pump1.id], fileName: 'a.csv' }),
    { inputType: 'deviceMetadata', fileName: 'b.csv', deviceIds: [pump1.id] },
    { inputType: 'deviceConnectionHistory', fileName: 'c.csv', ...RANGE, deviceIds: [pump1.id] },
  ]
  for (const input of inputs) {
    const stop = new AbortController()
    const staging = await makeStaging(t, db, applicationId, {
      signal: stop.signal,
      inTurn: (work) => {
        stop.abort(new Error('told to stop'))
        return work()
      },
    })
    await assert.rejects(gathered(staging, input), /told to stop/, input.inputType)
    await assert.rejects(gathered(staging, input), /told to stop/, input.inputType)
  }
})
