/** The main job through the official client: history in, a notebook over it, results out. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { DataTable } from '../../contract/data-tables.ts'
import type { Device } from '../../contract/devices.ts'
import type { ApplicationFile } from '../../contract/files.ts'
import type { Notebook } from '../../contract/notebooks.ts'
import type { DeviceState } from '../../contract/states.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

const T0 = 1_556_065_184_000

async function makeStation(applicationId: string, name: string): Promise<Device> {
  return losant.call<Device>('devices.post', {
    applicationId,
    device: {
      name,
      tags: [{ key: 'kind', value: 'station' }],
      attributes: [
        { name: 'temperature', dataType: 'number' },
        { name: 'place', dataType: 'gps' },
        { name: 'raining', dataType: 'boolean' },
        { name: 'note', dataType: 'string' },
      ],
    },
  })
}

test('a notebook over device history runs and its results can be opened', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const station = await makeStation(applicationId, 'Seattle')
  await losant.call('device.sendState', {
    applicationId,
    deviceId: station.id,
    deviceState: [
      { time: T0, data: { temperature: 12.5, raining: true, note: 'a "quoted", note' } },
      { time: new Date(T0 + 60_000).toISOString(), data: { temperature: 13, place: '47.6,-122.3' } },
    ],
  })
  const table = await losant.call<DataTable>('dataTables.post', { applicationId, dataTable: { name: 'summary' } })
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {
      name: 'Station report',
      inputs: [
        { inputType: 'deviceData', fileName: 'history.csv', deviceTags: [{ key: 'kind' }], start: -120_000, end: 1 },
      ],
      outputs: [
        {
          outputType: 'dataTable',
          fileName: 'summary.csv',
          dataTableId: table.id,
          createMissingColumns: true,
          truncateExistingTable: true,
        },
        {
          outputType: 'file',
          fileName: 'summary.csv',
          destinationFileNameTemplate: '{{ctx.name}}.csv',
          destinationDirectoryTemplate: '/reports/{{notebook.name}}',
        },
        { outputType: 'temporaryUrl', fileName: 'plot.png' },
        { outputType: 'executionResult', fileName: 'result.html', destinationFileNameTemplate: 'report.html' },
      ],
    },
    'import os, json, pandas as pd\nd = pd.read_csv(os.path.join(os.environ["INPUT_DIR"], "history.csv"))\nprint(d.to_csv(index=False))',
    'context = json.load(open(os.path.join(os.environ["INPUT_DIR"], "context.json")))\nprint(context["name"])',
    'd.groupby("ID").temperature.agg(["mean", "count"]).reset_index().assign(ok=True).to_csv(os.path.join(os.environ["OUTPUT_DIR"], "summary.csv"), index=False)',
    'import matplotlib.pyplot as plt\nd.temperature.plot()\nplt.savefig(os.path.join(os.environ["OUTPUT_DIR"], "plot.png"))',
  )
  assert.equal(notebook.jupyterFileName, 'jupyterFile')

  // The end of the range is absolute (1 ms after 1970) so nothing is found; the next run asks for the right one.
  await losant.call('notebook.patch', {
    applicationId,
    notebookId: notebook.id,
    notebook: {
      inputs: [
        { inputType: 'deviceData', fileName: 'history.csv', deviceTags: [{ key: 'kind' }], start: -120_000, end: 0 },
      ],
    },
  })
  const log = await runToEnd(losant, notebook, {
    relativeTo: T0 + 60_001,
    templateContext: JSON.stringify({ name: 'seattle' }),
  })

  assert.deepEqual(log.executionErrors, [])
  assert.equal(log.status, 'completed')
  assert.equal(log.executionRelativeTo, new Date(T0 + 60_001).toISOString())
  const moments = [
    log.runQueuedAt,
    log.runStartedAt,
    log.inputsCompletedAt,
    log.notebookCompletedAt,
    log.outputsCompletedAt,
  ]
  assert.deepEqual(moments, [...moments].sort(), 'the five timestamps are there and in order')

  assert.equal(
    await open(log.inputInfo, 'history.csv'),
    [
      'ID,Timestamp,temperature,place,raining,note',
      `${station.id},${T0},12.5,,1,"a ""quoted"", note"`,
      `${station.id},${T0 + 60_000},13,"47.6,-122.3",,`,
      '',
    ].join('\n'),
  )
  assert.match(await open(log.outputInfo, 'result.log'), /^ID,Timestamp,temperature,[\s\S]*\nseattle\n$/)
  assert.equal(await open(log.outputInfo, 'result.error.log'), '')
  const result = JSON.parse(await open(log.outputInfo, 'result.ipynb'))
  assert.equal(result.cells[1].outputs[0].text, 'seattle\n')
  assert.equal(result.cells[1].execution_count, 2)
  const page = await open(log.outputInfo, 'result.html')
  assert.match(page, /Station report/)
  assert.match(page, /data:image\/png;base64/)
  assert.equal((await open(log.outputInfo, 'plot.png')).slice(1, 4), 'PNG')

  const rows = await losant.call<{ items: Record<string, unknown>[]; totalCount: number }>('dataTableRows.get', {
    applicationId,
    dataTableId: table.id,
  })
  assert.equal(rows.totalCount, 1)
  const [row] = rows.items
  assert.deepEqual([row?.['ID'], row?.['mean'], row?.['count'], row?.['ok']], [station.id, 12.75, 2, true])

  const reports = await losant.call<{ items: ApplicationFile[]; parentExists: boolean }>('files.get', {
    applicationId,
    directory: '/reports/Station report',
  })
  assert.equal(reports.parentExists, true)
  const [file] = reports.items
  assert.equal(file?.name, 'seattle.csv')
  assert.equal(file?.authorType, 'notebook')
  const again = await losant.call<ApplicationFile>('file.get', { applicationId, fileId: file?.id })
  const published = await fetch(again.url ?? '')
  assert.equal(published.status, 200)
  assert.match(published.headers.get('content-security-policy') ?? '', /sandbox/)
  assert.match(await published.text(), /^ID,mean,count,ok\n/)
})

test('a second run replaces the file in place and, without truncating, adds to the table', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const table = await losant.call<DataTable>('dataTables.post', {
    applicationId,
    dataTable: { name: 'runs', columns: [{ name: 'n', dataType: 'number', constraint: 'required' }] },
  })
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {
      outputs: [
        { outputType: 'dataTable', fileName: 'n.csv', dataTableId: table.id },
        { outputType: 'file', fileName: 'n.csv', destinationFileNameTemplate: 'n.csv' },
      ],
    },
    'import os, json\nn = json.load(open(os.environ["INPUT_DIR"] + "/context.json"))["n"]\nopen(os.environ["OUTPUT_DIR"] + "/n.csv", "w").write(f"n,unknown\\n{n},x\\n")',
  )
  for (const n of [1, 2]) {
    const log = await runToEnd(losant, notebook, { templateContext: JSON.stringify({ n }) })
    assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
  }
  const rows = await losant.call<{ items: { n: number }[] }>('dataTableRows.get', {
    applicationId,
    dataTableId: table.id,
    sortColumn: 'n',
    sortDirection: 'desc',
  })
  assert.deepEqual(
    rows.items.map(({ n }) => n),
    [2, 1],
  )
  const files = await losant.call<{ items: ApplicationFile[] }>('files.get', { applicationId })
  assert.equal(files.items.length, 1)
  assert.equal(await (await fetch(files.items[0]?.url ?? '')).text(), 'n,unknown\n2,x\n')
})

test('states of one millisecond are merged attribute by attribute, the last write winning', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const { id: deviceId } = await makeStation(applicationId, 'Merge')
  for (const data of [{ temperature: 1, note: 'first' }, { temperature: '2' }, { unknown: 3 }]) {
    await losant.call('device.sendState', { applicationId, deviceId, deviceState: { time: T0, data } })
  }
  const states = await losant.call<DeviceState[]>('device.getState', { applicationId, deviceId, limit: 10 })
  assert.deepEqual(states, [{ time: new Date(T0).toISOString(), data: { temperature: 2, note: 'first' } }])
})

test('devices can be changed, listed and deleted', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const device = await makeStation(applicationId, 'To be renamed')
  const patched = await losant.call<Device>('device.patch', {
    applicationId,
    deviceId: device.id,
    device: { name: 'Renamed', tags: [] },
  })
  assert.equal(patched.name, 'Renamed')
  assert.deepEqual(patched.tags, [])
  assert.equal(patched.attributes.length, 4)
  const listed = await losant.call<{ items: Device[]; totalCount: number }>('devices.get', { applicationId })
  assert.deepEqual([listed.totalCount, listed.items[0]?.id], [1, device.id])
  await losant.call('device.delete', { applicationId, deviceId: device.id })
  const left = await losant.call<{ totalCount: number }>('devices.get', { applicationId })
  assert.equal(left.totalCount, 0)
})

test('notebooks are sorted, paged and filtered by a glob', async () => {
  const { id: applicationId } = await makeApplication(losant)
  for (const name of ['Alpha report', 'beta_report', 'Gamma', '100% report']) {
    await losant.call<Notebook>('notebooks.post', { applicationId, notebook: { name } })
  }
  const names = async (query: object) => {
    const page = await losant.call<{ items: Notebook[]; totalCount: number; count: number }>('notebooks.get', {
      applicationId,
      ...query,
    })
    return [page.items.map(({ name }) => name), page.totalCount]
  }
  assert.deepEqual(await names({ filterField: 'name', filter: '*REPORT' }), [
    ['100% report', 'Alpha report', 'beta_report'],
    3,
  ])
  assert.deepEqual(await names({ filterField: 'name', filter: '100%*' }), [['100% report'], 1])
  assert.deepEqual(await names({ filterField: 'name', filter: 'beta?report' }), [['beta_report'], 1])
  assert.deepEqual(await names({ sortField: 'creationDate', sortDirection: 'desc', perPage: 2, page: 1 }), [
    ['beta_report', 'Alpha report'],
    4,
  ])
})
