/** Everything a notebook can be given, made and asked for through the official client, read by pandas in a real run. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import type { DataTable } from '../../contract/data-tables.ts'
import type { Device } from '../../contract/devices.ts'
import { getExecution } from '../../contract/executions.ts'
import type { FileWithUpload } from '../../contract/files.ts'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { readParquet } from '../support/parquet.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official
let client: Client
let web: Server
let origin: string

before(async () => {
  // The site that externalUrl fetches stands on this machine, which only a trusting operator allows.
  service = await startService({ env: { FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  web = createServer(({ url }, reply) => {
    if (url?.startsWith('/prices')) reply.end(`day,price\n${new URL(url, 'http://x').searchParams.get('day')},1.25\n`)
    else reply.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => web.once('listening', resolve))
  // A server that listens on a port has an address with one.
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
})
after(async () => {
  web.close()
  await service[Symbol.asyncDispose]()
})

const T0 = Date.parse('2026-03-01T12:00:00Z')

/** An application with a pump that has reported, been connected, raised an event, and tables and files beside it. */
async function makePlant() {
  const { id: applicationId } = await makeApplication(losant)
  await losant.call('application.patch', {
    applicationId,
    application: { globals: [{ key: 'origin', json: JSON.stringify(origin) }] },
  })
  const device = {
    name: 'Pump "7", north',
    tags: [
      { key: 'kind', value: 'pump' },
      { key: 'site', value: 'north' },
    ],
    attributes: [
      { name: 'temp', dataType: 'number' },
      { name: 'on', dataType: 'boolean' },
      { name: 'note', dataType: 'string' },
      { name: 'place', dataType: 'gps' },
    ],
  }
  const pump = await losant.call<Device>('devices.post', { applicationId, device })
  await losant.call('devices.post', { applicationId, device: { ...device, name: 'other', tags: [] } })
  await losant.call('device.sendState', {
    applicationId,
    deviceId: pump.id,
    deviceState: [
      { time: T0 - 2000, data: { temp: 20.5, on: true, note: 'first, "quoted"' } },
      { time: T0 - 1000, data: { temp: 21, place: '39.1,-84.5' } },
      { time: T0, data: { temp: 99 } },
    ],
  })
  await losant.call('device.setConnectionStatus', {
    applicationId,
    deviceId: pump.id,
    connectionStatus: { status: 'connected', connectedAt: new Date(T0 - 5000).toISOString() },
  })
  const dataTable = {
    name: 'readings',
    columns: [
      { name: 'label', dataType: 'string', constraint: 'optional' },
      { name: 'amount', dataType: 'number', constraint: 'optional' },
      { name: 'good', dataType: 'boolean', constraint: 'optional' },
    ],
  }
  const table = await losant.call<DataTable>('dataTables.post', { applicationId, dataTable })
  await losant.call('dataTableRows.post', {
    applicationId,
    dataTableId: table.id,
    dataTableRow: [
      { label: 'small', amount: 1.5, good: true },
      { label: 'large', amount: 100, good: false },
    ],
  })
  await losant.call('events.post', {
    applicationId,
    event: { level: 'error', subject: 'too hot', deviceId: pump.id, data: { t: 99 }, eventTags: { kind: 'alarm' } },
  })
  await losant.call('events.post', { applicationId, event: { level: 'info', subject: 'started' } })
  const file = { name: 'factors.csv', parentDirectory: '/calibration', type: 'file' }
  const { id: fileId } = await losant.call<FileWithUpload>('files.post', { applicationId, file })
  await losant.call('file.upload', { applicationId, fileId, file: 'pump,factor\n7,0.98\n' })
  return { applicationId, pump, table }
}

/** All seven types, with a template wherever there may be one. */
const allInputs = (): NotebookInput[] => [
  {
    inputType: 'deviceData',
    fileName: '{{ctx.name}}-data.csv',
    deviceIds: ['{{ctx.pump}}'],
    start: -10_000,
    end: 0,
  },
  {
    inputType: 'deviceConnectionHistory',
    fileName: 'connections.csv',
    deviceTags: [{ key: '{{ctx.tag}}', value: '{{lower "NORTH"}}' }],
    start: -10_000,
    end: 0,
  },
  {
    inputType: 'deviceMetadata',
    fileName: 'devices.csv',
    queryJson: '{"tags": {"kind": {{jsonEncode ctx.kind}} }}',
  },
  { inputType: 'deviceMetadata', fileName: 'devices.json', format: 'json', deviceTags: [{ value: 'north' }] },
  {
    inputType: 'dataTable',
    fileName: 'rows.csv',
    dataTableId: '{{ctx.table}}',
    queryJson: '{"amount": {"$lt": {{ctx.limit}} }}',
  },
  { inputType: 'eventData', fileName: 'events.csv', queryJson: '{"level": "{{ctx.level}}"}' },
  { inputType: 'eventData', fileName: 'events.json', format: 'json' },
  {
    inputType: 'externalUrl',
    fileName: 'prices.csv',
    sourceUrl: '{{globals.origin}}/prices?day={{formatDate ctx.day "YYYY-MM-DD"}}',
  },
  { inputType: 'applicationFile', fileName: 'factors.csv', filePath: '/calibration/{{ctx.file}}.csv' },
]

const READ = `
import json, os, pandas as pd
I = os.environ["INPUT_DIR"]
seen = {}
for name in sorted(os.listdir(I)):
    path = os.path.join(I, name)
    if name.endswith(".csv"):
        d = pd.read_csv(path)
        seen[name] = {"columns": list(d.columns), "rows": json.loads(d.to_json(orient="values"))}
    else:
        seen[name] = json.load(open(path))
print(json.dumps(seen))`

test('a notebook reads all seven inputs with pandas, each made by templates', async () => {
  const { applicationId, pump, table } = await makePlant()
  const notebook = await makeNotebook(losant, applicationId, { inputs: allInputs() }, READ)
  const context = {
    name: 'pump',
    pump: pump.id,
    tag: 'site',
    kind: 'pump',
    table: table.id,
    limit: 50,
    level: 'error',
    day: T0,
    file: 'factors',
  }
  const log = await runToEnd(losant, notebook, { relativeTo: T0, templateContext: JSON.stringify(context) })
  assert.deepEqual(log.executionErrors, [])
  assert.equal(log.status, 'completed')
  const seen = JSON.parse(await open(log.outputInfo, 'result.log'))

  assert.deepEqual(seen['context.json'], context)
  assert.deepEqual(seen['pump-data.csv'], {
    columns: ['ID', 'Timestamp', 'temp', 'on', 'note', 'place'],
    rows: [
      [pump.id, T0 - 2000, 20.5, 1, 'first, "quoted"', null],
      [pump.id, T0 - 1000, 21, null, null, '39.1,-84.5'],
    ],
  })
  assert.deepEqual(seen['connections.csv'].rows, [[pump.id, T0 - 5000, 1, null, null, null, null]])
  assert.deepEqual(
    seen['devices.csv'].rows.map((row: unknown[]) => [row[0], row[1], ...row.slice(8)]),
    [[pump.id, 'Pump "7", north', 'pump', 'north']],
  )
  assert.deepEqual(
    seen['devices.json'].map(({ deviceId, name }: Device) => [deviceId, name]),
    [[pump.id, 'Pump "7", north']],
  )
  assert.deepEqual(seen['rows.csv'].columns, ['id', 'createdAt', 'updatedAt', 'label', 'amount', 'good'])
  assert.deepEqual(
    seen['rows.csv'].rows.map((row: unknown[]) => row.slice(3)),
    [['small', 1.5, true]],
  )
  const { columns, rows } = seen['events.csv']
  assert.equal(rows.length, 1)
  const event = Object.fromEntries(columns.map((name: string, index: number) => [name, rows[0][index]]))
  assert.equal(event['subject'], 'too hot')
  assert.equal(event['deviceId'], pump.id)
  assert.equal(event['data'], '{"t":99}')
  assert.equal(event['eventTags.kind'], 'alarm')
  assert.deepEqual(seen['events.json'].map(({ subject }: { subject: string }) => subject).sort(), [
    'started',
    'too hot',
  ])
  assert.deepEqual(seen['prices.csv'].rows, [['2026-03-01', 1.25]])
  assert.deepEqual(seen['factors.csv'].rows, [[7, 0.98]])

  // What was given can be looked at afterwards, byte for byte.
  assert.deepEqual(
    Object.keys(log.inputInfo).sort(),
    Object.keys(seen).filter((name) => name !== 'context.json'),
  )
  assert.equal(await open(log.inputInfo, 'prices.csv'), 'day,price\n2026-03-01,1.25\n')
  assert.deepEqual(log.inputInfo['devices.json']?.contentType, 'application/json')
  assert.deepEqual(log.inputInfo['prices.csv']?.contentType, 'text/csv')
})

test('a Parquet twin holds the values that pandas reads from the CSV, and the notebook has its very bytes', async () => {
  const { applicationId, pump } = await makePlant()
  const inputs = ['csv', 'parquet'].flatMap((format): NotebookInput[] => [
    { inputType: 'deviceData', fileName: `data.${format}`, deviceIds: [pump.id], start: -10_000, end: 0 },
    { inputType: 'deviceMetadata', fileName: `devices.${format}`, queryJson: '{}' },
  ])
  const cell = `
import hashlib, json, os, pandas as pd
I = os.environ["INPUT_DIR"]
told = {}
for name in ["data", "devices"]:
    bytes = open(os.path.join(I, name + ".parquet"), "rb").read()
    rows = json.loads(pd.read_csv(os.path.join(I, name + ".csv")).to_json(orient="records", double_precision=15))
    told[name] = {"sum": hashlib.sha256(bytes).hexdigest(), "rows": rows}
print(json.dumps(told))`
  const notebook = await makeNotebook(losant, applicationId, { inputs }, cell)
  const log = await runToEnd(losant, notebook, { relativeTo: T0 })
  assert.deepEqual(log.executionErrors, [])
  const told = JSON.parse(await open(log.outputInfo, 'result.log'))
  for (const name of ['data', 'devices']) {
    const bytes = Buffer.from(await (await fetch(log.inputInfo[`${name}.parquet`]?.url ?? '')).arrayBuffer())
    assert.equal(createHash('sha256').update(bytes).digest('hex'), told[name].sum)
    const rows = await readParquet(bytes)
    assert.ok(rows.length > 0)
    // pandas has no truths where some are missing: it reads 1 and 0.
    const asPandas = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, value]) => [key, typeof value === 'boolean' ? Number(value) : value]),
      ),
    )
    assert.deepEqual(asPandas, told[name].rows)
  }
})

test('every type of input fails by name and in words, and what else was gathered can be seen', async () => {
  const { applicationId } = await makePlant()
  const good: NotebookInput = { inputType: 'deviceMetadata', fileName: 'good.csv', queryJson: '{}' }
  const range = { start: -1000, end: 0 }
  const cases: [input: NotebookInput, reason: RegExp][] = [
    [{ inputType: 'deviceData', fileName: 'bad', ...range, deviceIds: ['{{ctx.none}}'] }, /not a device id/],
    [{ inputType: 'deviceConnectionHistory', fileName: 'bad', ...range, queryJson: '{"a": 1}' }, /queryJson\.a/],
    [{ inputType: 'deviceMetadata', fileName: 'bad', queryJson: '{' }, /queryJson must be JSON/],
    [{ inputType: 'dataTable', fileName: 'bad', dataTableId: '5f0000000000000000000001' }, /was not found/],
    [{ inputType: 'eventData', fileName: 'bad', queryJson: '{"level": {"$foo": 1}}' }, /queryJson\.level\.\$foo/],
    [{ inputType: 'externalUrl', fileName: 'bad', sourceUrl: `${origin}/missing` }, /answered with status 404/],
    [{ inputType: 'applicationFile', fileName: 'bad', filePath: '/none.csv' }, /there is no application file/],
    [{ inputType: 'deviceMetadata', fileName: '{{ctx.up}}' }, /renders to "\.\.\/up"/],
    [{ inputType: 'deviceMetadata', fileName: '{{ctx.same}}' }, /"good\.csv" is taken by another input/],
  ]
  const templateContext = JSON.stringify({ up: '../up', same: 'good.csv' })
  for (const [input, reason] of cases) {
    const notebook = await makeNotebook(losant, applicationId, { inputs: [good, input] }, 'print("never")')
    const log = await runToEnd(losant, notebook, { templateContext })
    assert.equal(log.status, 'errored', input.inputType)
    const [error, ...others] = log.executionErrors
    assert.deepEqual(others, [])
    assert.equal(error?.name, 'InputFailed')
    assert.ok(error.message.startsWith(`Input "${input.fileName}" (${input.inputType}): `), error.message)
    assert.match(error.message, reason)
    assert.deepEqual(Object.keys(log.inputInfo), ['good.csv'])
    assert.match(await open(log.inputInfo, 'good.csv'), /^ID,Name,/)
  }
})

test('an input that chooses nothing is a header, and the execution says so', async () => {
  const { applicationId } = await makePlant()
  const inputs: NotebookInput[] = [{ inputType: 'deviceData', fileName: 'data.csv', start: -1, end: 0 }]
  const notebook = await makeNotebook(losant, applicationId, { inputs }, 'print(1)')
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed')
  assert.equal(await open(log.inputInfo, 'data.csv'), 'ID,Timestamp\n')
  const params = { applicationId, notebookId: notebook.id, executionId: log.id }
  const { warnings } = await client.call(getExecution, { params })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^Input "data\.csv" chooses no devices/)
})

test('inputs that can not be are refused when they are saved', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const cases: [input: object, reason: RegExp][] = [
    [{ inputType: 'deviceData', fileName: 'a.csv', start: 0 }, /^notebook\.inputs\.0\.end is required/],
    [{ inputType: 'deviceMetadata', fileName: 'a.csv', format: 'xml' }, /^notebook\.inputs\.0\.format/],
    [{ inputType: 'dataTable', fileName: 'a.csv' }, /^notebook\.inputs\.0\.dataTableId is required/],
    [{ inputType: 'dataTable', fileName: 'a.csv', dataTableId: 'x' }, /^notebook\.inputs\.0\.dataTableId/],
    [{ inputType: 'eventData', fileName: 'a.csv', start: 0 }, /^notebook\.inputs\.0\.start is not a known property/],
    [{ inputType: 'externalUrl', fileName: 'a/b', sourceUrl: 'x' }, /^notebook\.inputs\.0\.fileName/],
    [{ inputType: 'applicationFile', fileName: 'context.json', filePath: 'x' }, /taken by the execution's context/],
    [{ inputType: 'somethingElse', fileName: 'a.csv' }, /^notebook\.inputs\.0\.inputType/],
  ]
  for (const [input, reason] of cases) {
    const notebook = { name: 'refused', inputs: [input] }
    const refused = await refusal(losant.call('notebooks.post', { applicationId, notebook }))
    assert.equal(refused.statusCode, 400)
    assert.match(refused.message, reason)
  }
})
