/** Applications: told and given back, counted, and deleted with everything they have. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { type Application, getDeviceCounts } from '../../contract/applications.ts'
import type { Device } from '../../contract/devices.ts'
import { getApplicationMinuteCounts } from '../../contract/executions.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, runToEnd, untilStatus } from '../support/steps.ts'

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
const create = (application: object) => losant.call<Application>('applications.post', { application })
const patch = (applicationId: string, application: object, query: object = {}) =>
  losant.call<Application>('application.patch', { applicationId, application, ...query })
/** What an answer says, without what is said of the answer. */
const bare = ({ _type, _links, ...rest }: Application & { _type?: string; _links?: object }) => rest

test('an application gives back what it was told, and what is not said stays', async () => {
  const told = {
    name: 'a plant',
    description: 'of pumps',
    endpointSlug: 'my-plant',
    expUserTokenCutoff: '2026-01-01T00:00:00.000Z',
    endpointDefaultCors: true,
    blobUrlTTL: 7200,
    appliedTemplateIds: [UNKNOWN],
    globals: [{ key: 'b', json: '{"z":1,"a":2}', cloudOnly: false, description: 'x' }],
  }
  const { id, creationDate, lastUpdated: _, ...rest } = bare(await create(told))
  assert.deepEqual(rest, { ...told, applicationId: id, ownerId: rest.ownerId, ownerType: 'user' })
  assert.match(creationDate, /^\d{4}-.*Z$/)
  const changed = await patch(id, {
    name: 'another',
    blobUrlTTL: 3600,
    ftueTracking: [{ name: 'x', version: 1, status: 'skipped' }],
  })
  assert.deepEqual(
    [changed.name, changed.blobUrlTTL, changed.endpointSlug, changed.globals],
    ['another', 3600, 'my-plant', told.globals],
  )
  assert.deepEqual((await patch(id, { globals: [], archiveConfig: null })).globals, [])
  const read = await losant.call<Application>('application.get', { applicationId: id })
  assert.deepEqual([read.name, read.description, read.ftueTracking?.length], ['another', 'of pumps', 1])
})

test('what is not here is refused by name', async () => {
  const { id } = await makeApplication(losant)
  const post = (application: object) => () => create({ name: 'x', ...application })
  const change = (application: object) => () => patch(id, application)
  const globals = (list: object[]) => () => losant.call('application.globals', { applicationId: id, globals: list })
  const cases: [() => Promise<unknown>, RegExp][] = [
    [post({ orgId: UNKNOWN }), /^application\.orgId must be left out: there are no organizations here$/],
    [post({ applicationTemplateId: UNKNOWN }), /^application\.applicationTemplateId must be left out/],
    [
      post({ archiveConfig: { mode: 'all' } }),
      /^application\.archiveConfig must be left out: archives are not written here$/,
    ],
    [change({ archiveConfig: { mode: 'all' } }), /^application\.archiveConfig must be left out/],
    [post({ endpointSlug: 'My Plant' }), /^application\.endpointSlug must be 3 to 63 small letters, digits or "-"$/],
    [post({ blobUrlTTL: 10 }), /^application\.blobUrlTTL must be at least 3600, and is 10$/],
    [post({ globals: [{ key: 'a', json: '{' }] }), /^application\.globals\.0\.json must be JSON text: /],
    [
      post({
        globals: [
          { key: 'a', json: '1' },
          { key: 'a', json: '2' },
        ],
      }),
      /^application\.globals\.1\.key "a" is there twice$/,
    ],
    [change({ colour: 'red' }), /^application\.colour is not a known property; allowed are name, description, /],
    [globals([{ key: 'a', json: '{' }]), /^globals\.0\.json must be JSON text: /],
    [globals([{ key: 'new' }]), /^globals\.0\.json is required for the new global "new"$/],
    [globals([{ key: 'a b', json: '1' }]), /^globals\.0\.key must be 1 to 255 letters, digits, "_" or "-"$/],
  ]
  for (const [call, message] of cases) {
    const refused = await refusal(call())
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
})

test('globals are changed one by one and seen by the next run', async () => {
  const { id: applicationId } = await create({
    name: 'g',
    globals: [
      { key: 'one', json: '1' },
      { key: 'two', json: '2' },
    ],
  })
  const globals = [
    { key: 'three', json: '"3"' },
    { key: 'one', json: null },
    { key: 'two', json: '22', description: 'twice' },
  ]
  const changed = await losant.call<Application & { _links?: object }>('application.globals', {
    applicationId,
    globals,
  })
  assert.deepEqual(changed.globals, [
    { key: 'two', json: '22', description: 'twice' },
    { key: 'three', json: '"3"' },
  ])
  assert.deepEqual(changed._links, { self: { href: `/applications/${applicationId}` } })
  const output = { outputType: 'executionResult', fileName: 'result.log' } as const
  const destinationFileNameTemplate = '{{globals.two}}-{{globals.three}}{{globals.one}}.log'
  const notebook = await makeNotebook(
    losant,
    applicationId,
    { outputs: [{ ...output, destinationFileNameTemplate }] },
    '1',
  )
  assert.equal((await runToEnd(losant, notebook)).status, 'completed')
  const { items } = await losant.call<{ items: { name: string }[] }>('files.get', { applicationId })
  assert.deepEqual(
    items.map(({ name }) => name),
    ['22-3.log'],
  )
})

test('applications are listed, sorted and counted as asked', async () => {
  const made = await create({ name: 'listed alone' })
  await losant.call('devices.post', { applicationId: made.id, device: { name: 'pump' } })
  const gone = await losant.call<Device>('devices.post', { applicationId: made.id, device: { name: 'gone' } })
  await losant.call('device.delete', { applicationId: made.id, deviceId: gone.id })
  await losant.call('dataTables.post', { applicationId: made.id, dataTable: { name: 'rows' } })
  await losant.call('events.post', { applicationId: made.id, event: { level: 'info', subject: 'started' } })
  const notebook = await makeNotebook(losant, made.id, {}, 'print(1)')
  await runToEnd(losant, notebook)
  const list = (query: object) => losant.call<{ items: Application[]; totalCount: number }>('applications.get', query)
  const { items } = await list({
    filterField: 'name',
    filter: 'LISTED*',
    summaryInclude: 'deviceCount,notebookStats,flowCount',
  })
  assert.deepEqual(
    items.map(({ name, summary }) => [name, summary]),
    [
      [
        'listed alone',
        { deviceCount: 1, notebookStats: { awaitingCompletion: 0, minutesThisPeriod: 1, runsThisPeriod: 1 } },
      ],
    ],
  )
  const names = (await list({ sortField: 'creationDate', sortDirection: 'desc', perPage: 1 })).items.map(
    ({ name }) => name,
  )
  assert.deepEqual(names, ['listed alone'])
  assert.equal((await list({ orgId: UNKNOWN })).totalCount, 0)
  assert.ok((await list({ orgId: '' })).totalCount > 0)
  const { summary } = await losant.call<Application>('application.get', {
    applicationId: made.id,
    summaryExclude: 'notebookStats',
  })
  assert.deepEqual(
    [summary?.deviceCount, summary?.dataTableCount, summary?.notebookCount, summary?.fileCount, summary?.notebookStats],
    [1, 1, 1, 0, undefined],
  )
  assert.deepEqual([summary?.eventCount, summary?.privateFileCount], [1, 0])
  assert.equal('summary' in (await losant.call<Application>('application.get', { applicationId: made.id })), false)

  const params = { applicationId: made.id }
  const devices = await ours.call(getDeviceCounts, { params })
  assert.deepEqual({ ...devices.counts.at(-1), date: '' }, { date: '', created: 2, deleted: 1, total: 1 })
  const minutes = await ours.call(getApplicationMinuteCounts, { params })
  const today = minutes.counts.at(-1)
  assert.deepEqual([today?.completed, today?.minutes], [1, 1])
})

test('a readme is kept with its writer, and things are found by a part of their name', async () => {
  const { id: applicationId } = await makeApplication(losant)
  assert.deepEqual(await losant.call('application.readme', { applicationId }), { applicationId, content: '' })
  const written = await losant.call<{ content: string; lastUpdatedByType: string }>('application.readmePatch', {
    applicationId,
    readme: { content: '# Plant' },
  })
  assert.deepEqual([written.content, written.lastUpdatedByType], ['# Plant', 'user'])
  assert.deepEqual(await losant.call('application.readme', { applicationId }), written)
  const device = await losant.call<Device>('devices.post', {
    applicationId,
    device: { name: 'Main Pump', description: 'large' },
  })
  await losant.call('dataTables.post', { applicationId, dataTable: { name: 'pump hours' } })
  await losant.call('devices.post', { applicationId, device: { name: 'lamp' } })
  await losant.call('events.post', { applicationId, event: { level: 'info', subject: 'a pump stopped' } })
  const found = await losant.call<{ _type: string; name: string }[]>('application.search', {
    applicationId,
    filter: 'PUMP',
  })
  assert.deepEqual(found.map(({ _type, name }) => [_type, name]).sort(), [
    ['dataTable', 'pump hours'],
    ['device', 'Main Pump'],
    ['event', 'a pump stopped'],
  ])
  assert.deepEqual(
    found.find(({ _type }) => _type === 'device'),
    { _type: 'device', id: device.id, name: 'Main Pump', metadata: { descriptor: 'large' } },
  )
})

test('a deleted application is not there at once; its runs are canceled and its bytes go', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const notebook = await makeNotebook(
    losant,
    applicationId,
    { outputs: [{ outputType: 'temporaryUrl', fileName: 'a.txt' }] },
    'import os, time\nopen(os.path.join(os.environ["OUTPUT_DIR"], "a.txt"), "w").write("kept")\ntime.sleep(float(0))',
  )
  const log = await runToEnd(losant, notebook)
  const url = log.outputInfo['a.txt']?.url ?? ''
  assert.equal((await fetch(url)).status, 200)
  const slow = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(600)')
  const params = { applicationId, notebookId: slow.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions: {},
  })
  await untilStatus(losant, params, executionId, (status) => status === 'inProgress')

  await losant.call('application.delete', { applicationId })
  const absent = [
    () => losant.call('application.get', { applicationId }),
    () => losant.call('application.delete', { applicationId }),
    () => losant.call('application.patch', { applicationId, application: {} }),
    () => losant.call('devices.get', { applicationId }),
    () => losant.call('notebook.logs', params),
    () => losant.call('notebook.execute', { ...params, executionOptions: {} }),
  ]
  for (const call of absent) {
    const refused = await refusal(call())
    assert.deepEqual([refused.statusCode, refused.message], [404, 'Application was not found'])
  }
  const deadline = Date.now() + 60_000
  for (;;) {
    const { status } = await fetch(url)
    if (status === 404) break
    assert.equal(status, 200)
    assert.ok(Date.now() < deadline, 'the bytes of the application are still there')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
})

test('an application of nobody is not found', async () => {
  const applicationId = UNKNOWN
  const calls = [
    () => losant.call('application.get', { applicationId }),
    () => losant.call('application.patch', { applicationId, application: { name: 'x' } }),
    () => losant.call('application.delete', { applicationId }),
    () => losant.call('application.globals', { applicationId, globals: [] }),
    () => losant.call('application.readme', { applicationId }),
    () => losant.call('application.readmePatch', { applicationId, readme: { content: '' } }),
    () => losant.call('application.search', { applicationId, filter: 'x' }),
  ]
  for (const call of calls) {
    const refused = await refusal(call())
    assert.deepEqual([refused.statusCode, refused.message], [404, 'Application was not found'])
  }
})
