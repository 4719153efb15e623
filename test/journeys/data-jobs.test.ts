/** The history of devices as files, and its removal, asked for with the official client and followed in the job log. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { getJobLog, type JobLog } from '../../contract/job-logs.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

const T = Date.parse('2026-03-01T12:00:00.000Z')

let service: RunningService
let losant: Official
let ours: Client
let applicationId: string
let ids: [string, string]

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await losant.call<{ id: string }>('applications.post', { application: { name: 'a plant' } })).id
  ids = [await makeDevice('a'), await makeDevice('b')]
})
after(() => service[Symbol.asyncDispose]())

async function makeDevice(name: string): Promise<string> {
  const attributes = [
    { name: 'level', dataType: 'number' },
    { name: 'note', dataType: 'string' },
    { name: 'photo', dataType: 'blob' },
  ]
  const device = { name, attributes, tags: [{ key: 'name', value: name }] }
  const { id: deviceId } = await losant.call<{ id: string }>('devices.post', { applicationId, device })
  const deviceState = [
    { time: T, data: { level: 1.5, note: 'say "hi", twice', photo: 'AAEC' } },
    { time: T + 1, data: { level: 2 } },
  ]
  await losant.call('device.sendState', { applicationId, deviceId, deviceState })
  await losant.call('device.setConnectionStatus', {
    applicationId,
    deviceId,
    connectionStatus: { status: 'connected', connectedAt: T },
  })
  return deviceId
}

/** The log of a job once it has ended well. */
async function finished(queued: unknown): Promise<JobLog> {
  const jobId = String((queued as { jobId: unknown }).jobId) // what every such request answers
  const read = () => ours.call(getJobLog, { params: { applicationId, jobId } })
  let log = await read()
  await until(async () => {
    log = await read()
    return log.status !== 'queued' && log.status !== 'inProgress'
  })
  assert.deepEqual([log.status, log.error], ['completed', undefined])
  return log
}

async function downloaded({ output }: JobLog): Promise<Buffer> {
  const [url, ...more] = output['downloadUrls'] as string[] // as the published log has it
  assert.deepEqual(more, [])
  const reply = await fetch(String(url))
  assert.equal(reply.status, 200)
  return Buffer.from(await reply.arrayBuffer())
}

const exportData = async (query: object) => finished(await losant.call('data.export', { applicationId, query }))

test('an export writes every chosen device to one file, with the columns that are wanted', async () => {
  const all = await exportData({ deviceTags: [{ key: 'name' }], end: T + 1000 })
  assert.equal(
    (await downloaded(all)).toString(),
    `ID,Timestamp,ISO Date,level,note\n${[...ids]
      .sort()
      .map(
        (id) =>
          `${id},${T},2026-03-01T12:00:00.000Z,1.5,"say ""hi"", twice"\n${id},${T + 1},2026-03-01T12:00:00.001Z,2,\n`,
      )
      .join('')}`,
  )
  assert.deepEqual([all.input['start'], all.input['end'], all.resourceType], [1, T + 1000, 'device'])
  const options = { includeDate: false, includeID: false, includeBlobData: true }
  const few = await exportData({
    deviceQuery: { name: 'a' },
    attributes: ['photo', 'level'],
    start: T,
    end: T + 1,
    options,
  })
  assert.equal((await downloaded(few)).toString(), `Timestamp,photo,level\n${T},AAEC,1.5\n`)
  const none = await exportData({ deviceIds: [] })
  assert.equal((await downloaded(none)).toString(), 'ID,Timestamp,ISO Date\n')
})

test('a file for each device comes packed', async () => {
  const log = await exportData({
    deviceIds: ids,
    attributes: ['level'],
    options: { includeID: false, filePerDevice: true },
  })
  await using folder = await makeDataDir()
  await writeFile(join(folder.path, 'data.zip'), await downloaded(log))
  const unzip =
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print([(n, z.read(n).decode()) for n in z.namelist()])'
  const content =
    'Timestamp,ISO Date,level\\n1772366400000,2026-03-01T12:00:00.000Z,1.5\\n1772366400001,2026-03-01T12:00:00.001Z,2\\n'
  assert.equal(
    execFileSync('python3', ['-c', unzip, join(folder.path, 'data.zip')])
      .toString()
      .trim(),
    `[${[...ids]
      .sort()
      .map((id) => `('${id}.csv', '${content}')`)
      .join(', ')}]`,
  )
})

test('one device is exported by query parameters', async () => {
  const [deviceId] = ids
  const log = await finished(
    await losant.call('device.export', { applicationId, deviceId, start: T + 1, includeBlobData: 'true' }),
  )
  assert.equal(
    (await downloaded(log)).toString(),
    `ID,Timestamp,ISO Date,level,note,photo\n${deviceId},${T + 1},2026-03-01T12:00:00.001Z,2,,\n`,
  )
  assert.deepEqual([log.resourceId, log.name], [deviceId, 'Export of a'])
})

const levels = async (deviceId: string) =>
  (
    await losant.call<{ data: object }[]>('device.getState', {
      applicationId,
      deviceId,
      limit: 10,
      sortDirection: 'asc',
    })
  ).map(({ data }) => data)
const connections = async (deviceId: string) =>
  (await losant.call<object[]>('device.getLogEntries', { applicationId, deviceId, limit: 10 })).length

test('data of a device is removed in a range, then all of it, and what comes later stays', async () => {
  const deviceId = await makeDevice('short-lived')
  await finished(await losant.call('device.removeData', { applicationId, deviceId, start: T + 1, end: T + 1 }))
  assert.deepEqual([(await levels(deviceId)).length, await connections(deviceId)], [1, 1])
  await finished(await losant.call('device.removeData', { applicationId, deviceId }))
  assert.deepEqual([await levels(deviceId), await connections(deviceId)], [[], 0])
  await losant.call('device.sendState', { applicationId, deviceId, deviceState: { time: T, data: { level: 9 } } })
  assert.deepEqual(await levels(deviceId), [{ level: 9 }])
})

test('data of the devices of a query is removed, of some attributes or all, with or without their connections', async () => {
  const [first, second] = [await makeDevice('x'), await makeDevice('y')]
  const remove = async (options: object) =>
    finished(await losant.call('devices.removeData', { applicationId, options }))
  const attributes = ['note', 'photo']
  const log = await remove({ query: { name: { $in: ['x', 'y'] } }, attributes })
  assert.deepEqual(log.output['devices'], 2)
  for (const id of [first, second]) {
    assert.deepEqual([await levels(id), await connections(id)], [[{ level: 1.5 }, { level: 2 }], 1])
  }
  await remove({ query: { name: 'x' }, attributes: null, keepConnectionHistory: true, end: T + 1 })
  await remove({ query: { name: 'y' }, start: T + 1 })
  assert.deepEqual([await levels(first), await connections(first)], [[{ level: 2 }], 1])
  assert.deepEqual([await levels(second), await connections(second)], [[{ level: 1.5 }], 1])
  assert.equal((await levels(ids[0])).length, 2)
})

test('what makes no sense is refused before anything is queued, and foreign things are not found', async () => {
  const [deviceId] = ids
  const cases: [Parameters<Official['call']>, RegExp][] = [
    [['data.export', { query: { deviceQuery: { colour: 'red' } } }], /^query\.deviceQuery\.colour /],
    [['data.export', { query: { start: 5, end: 5 } }], /^query\.end must be after query\.start$/],
    [
      ['data.export', { query: { options: { includeDate: 'yes' } } }],
      /^query\.options\.includeDate must be true or false, not a string$/,
    ],
    [['data.export', { query: { email: 'nobody' } }], /^query\.email /],
    [['device.export', { deviceId, start: 'soon' }], /^start must be a time/],
    [['device.removeData', { deviceId, end: 'soon' }], /^end must be a time/],
    [['devices.removeData', { options: {} }], /^options\.query is required$/],
    [['devices.removeData', { options: { query: { colour: 'red' } } }], /^options\.query\.colour /],
  ]
  for (const [[operation, params], message] of cases) {
    const refused = await refusal(losant.call(operation, { applicationId, ...params }))
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'], `${operation} ${refused.message}`)
    assert.match(refused.message, message)
  }
  const absent = { applicationId, deviceId: 'a'.repeat(24) }
  assert.equal((await refusal(losant.call('device.export', absent))).statusCode, 404)
  assert.equal((await refusal(losant.call('device.removeData', absent))).statusCode, 404)
  const foreign = { applicationId: 'a'.repeat(24), query: {}, options: { query: {} } }
  assert.equal((await refusal(losant.call('data.export', foreign))).statusCode, 404)
  assert.equal((await refusal(losant.call('devices.removeData', foreign))).statusCode, 404)
})
