/** Everything a notebook can be given, made and asked for through the official client, read by pandas in a real run. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Device } from '../../contract/devices.ts'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { readParquet } from '../support/parquet.ts'
import { makePlant, startSite, T0 } from '../support/plant.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let site: Awaited<ReturnType<typeof startSite>>
let losant: Official

before(async () => {
  // The site that externalUrl fetches stands on this machine, which only a trusting operator allows.
  service = await startService({ env: { FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  site = await startSite()
})
after(async () => {
  site[Symbol.dispose]()
  await service[Symbol.asyncDispose]()
})

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
  const { applicationId, pump, table } = await makePlant(losant, site.origin)
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
  const { applicationId, pump } = await makePlant(losant, site.origin)
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

test('pandas reads of a Parquet input the types and values that the CSV has', async (t) => {
  const { applicationId, pump } = await makePlant(losant, site.origin)
  const inputs = ['csv', 'parquet'].map((format): NotebookInput => {
    return { inputType: 'deviceData', fileName: `data.${format}`, deviceIds: [pump.id], start: -10_000, end: 0 }
  })
  const cell = `
import importlib.util, json, os, pandas as pd
if importlib.util.find_spec("pyarrow") is None:
    print(json.dumps(None))
else:
    I = os.environ["INPUT_DIR"]
    table, lines = pd.read_parquet(os.path.join(I, "data.parquet")), pd.read_csv(os.path.join(I, "data.csv"))
    flags = [name for name in table if table[name].dtype == object and table[name].dropna().isin([True, False]).all()]
    same = table.astype({name: float for name in flags})
    pd.testing.assert_frame_equal(same, lines, check_dtype=False)
    print(json.dumps({"rows": len(table), "time": str(table["Timestamp"].dtype)}))`
  const log = await runToEnd(losant, await makeNotebook(losant, applicationId, { inputs }, cell), { relativeTo: T0 })
  assert.deepEqual(log.executionErrors, [])
  const told = JSON.parse(await open(log.outputInfo, 'result.log'))
  if (told === null) return t.skip("the image is of Debian's packages, which have no pyarrow")
  assert.ok(told.rows > 0)
  assert.equal(told.time, 'int64')
})
