/** The connection log of devices: written, read back by time, summed up for lists, exported byte for byte. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { listLogEntries, setConnectionStatus } from '../../server/catalog/connections.ts'
import { getDevice } from '../../server/catalog/devices.ts'
import {
  appendConnections,
  type ConnectionsExport,
  exportConnections,
  forgetConnections,
} from '../../server/stores/telemetry/connections.ts'
import { makeApplication, makeDevice, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const NOW = new Date('2026-03-01T12:00:00.000Z')
const T = NOW.getTime()
const ALL = { limit: '1000', sortDirection: 'asc' }

async function openLog(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const { id: deviceId } = await makeDevice(db, { applicationId })
  return {
    db,
    applicationId,
    deviceId,
    set: (status: Parameters<typeof setConnectionStatus>[3]) =>
      setConnectionStatus(db, applicationId, deviceId, status, NOW),
    list: (query: object = ALL) => listLogEntries(db, applicationId, deviceId, query, NOW),
  }
}

test('what is said of a connection is what the log tells, and nothing else', async (t) => {
  const { set, list } = await openLog(t)
  await set({ status: 'connected', connectedAt: T - 5000, ipAddress: '10.0.0.7' })
  await set({
    status: 'disconnected',
    disconnectedAt: { $date: new Date(T - 1000).toISOString() },
    disconnectReason: 'Connection Lost',
    messagesFromClient: 7,
    messagesToClient: 0,
  })
  await set({ status: 'connected' })
  assert.deepEqual(await list(), [
    { time: new Date(T - 5000).toISOString(), connected: 1, ipAddress: '10.0.0.7' },
    {
      time: new Date(T - 1000).toISOString(),
      connected: 0,
      disconnectReason: 'Connection Lost',
      messagesFromClient: 7,
      messagesToClient: 0,
    },
    { time: NOW.toISOString(), connected: 1 },
  ])
  assert.deepEqual(
    (await list({})).map(({ time }) => time),
    [NOW.toISOString()],
  )
  assert.deepEqual(
    (await list({ limit: '9', start: String(T - 5000), end: String(T - 1000) })).map(({ connected }) => connected),
    [0, 1],
  )
  assert.deepEqual(
    (await list({ limit: '9', duration: '1000' })).map(({ connected }) => connected),
    [1, 0],
  )
})

test('a disconnection that says since when it had been connected adds that entry once', async (t) => {
  const { set, list } = await openLog(t)
  await set({ status: 'disconnected', connectedAt: T - 9000, disconnectedAt: T - 8000, ipAddress: '::1' })
  await set({ status: 'connected', connectedAt: T - 7000 })
  await set({ status: 'disconnected', connectedAt: T - 7000, disconnectedAt: T - 6000 })
  assert.deepEqual(
    (await list()).map(({ time, connected }) => [Date.parse(time) - T, connected]),
    [
      [-9000, 1],
      [-8000, 0],
      [-7000, 1],
      [-6000, 0],
    ],
  )
})

test('times that are none, far ahead, or the wrong way round are refused and change nothing', async (t) => {
  const { set, list } = await openLog(t)
  await assert.rejects(
    set({ status: 'connected', connectedAt: 'soon' }),
    /connectionStatus\.connectedAt must be a time/,
  )
  await assert.rejects(
    set({ status: 'disconnected', disconnectedAt: T + 86_400_001 }),
    /connectionStatus\.disconnectedAt must be a time/,
  )
  await assert.rejects(
    set({ status: 'disconnected', connectedAt: T - 1, disconnectedAt: T - 2 }),
    /disconnectedAt must not be before/,
  )
  assert.deepEqual(await list(), [])
})

test('a device of another application is not found', async (t) => {
  const { db, deviceId } = await openLog(t)
  const { id: other } = await makeApplication(db)
  await assert.rejects(setConnectionStatus(db, other, deviceId, { status: 'connected' }, NOW), /Device was not found/)
  await assert.rejects(listLogEntries(db, other, deviceId, {}, NOW), /Device was not found/)
})

test('devices show the newest entry, the later one of the same millisecond, and nothing without a log', async (t) => {
  const { db, applicationId, deviceId, set } = await openLog(t)
  const { id: silent } = await makeDevice(db, { applicationId })
  await set({ status: 'connected', connectedAt: T - 10 })
  await set({ status: 'disconnected', disconnectedAt: T - 10 })
  await set({ status: 'connected', connectedAt: T - 20 })
  const infoOf = async (id: string) => (await getDevice(db, applicationId, id)).connectionInfo
  assert.deepEqual(await infoOf(deviceId), { time: new Date(T - 10).toISOString(), connected: 0 })
  assert.deepEqual(await infoOf(silent), { connected: null })
  const [columns] = await db.query('select connected_ts, disconnected_ts from devices where id = $1', [deviceId])
  assert.deepEqual(columns, { connected_ts: T - 10, disconnected_ts: T - 10 })
  await forgetConnections(db, [deviceId], { from: T - 10 })
  assert.deepEqual(await infoOf(deviceId), { time: new Date(T - 20).toISOString(), connected: 1 })
  await forgetConnections(db, [deviceId])
  assert.deepEqual(await infoOf(deviceId), { connected: null })
})

async function exported(t: TestContext, db: Awaited<ReturnType<typeof openLog>>['db'], wanted: ConnectionsExport) {
  const file = join(await makeFolder(t), 'connections.csv')
  await exportConnections(db, wanted, file, new AbortController().signal)
  return readFile(file, 'utf8')
}

test('the log is written as CSV by device, then time, from the first millisecond up to before the last', async (t) => {
  const { db, applicationId, deviceId } = await openLog(t)
  const { id: other } = await makeDevice(db, { applicationId })
  const [first = '', second = ''] = [deviceId, other].sort()
  await appendConnections(db, applicationId, second, [{ ts: 3, connected: true, ipAddress: '::1' }])
  await appendConnections(db, applicationId, first, [
    { ts: 4, connected: false, disconnectReason: 'he said "bye", twice', messagesFromClient: 2, messagesToClient: 0 },
    { ts: 2, connected: true },
    { ts: 5, connected: true },
  ])
  const header = 'ID,Timestamp,connected,disconnectReason,messagesFromClient,messagesToClient,ipAddress\n'
  const wanted = { applicationId, deviceIds: [other, deviceId], from: 2, to: 5 }
  assert.equal(
    await exported(t, db, wanted),
    `${header}${first},2,1,,,,\n${first},4,0,"he said ""bye"", twice",2,0,\n${second},3,1,,,,::1\n`,
  )
  assert.equal(await exported(t, db, { ...wanted, deviceIds: [] }), header)
  const { id: elsewhere } = await makeApplication(db)
  assert.equal(await exported(t, db, { ...wanted, applicationId: elsewhere }), header)
})

test('entries of a range are forgotten, those of other devices stay', async (t) => {
  const { db, applicationId, deviceId } = await openLog(t)
  const { id: other } = await makeDevice(db, { applicationId })
  for (const id of [deviceId, other]) {
    await appendConnections(
      db,
      applicationId,
      id,
      [1, 2, 3].map((ts) => ({ ts, connected: true })),
    )
  }
  await forgetConnections(db, [deviceId], { from: 2, to: 3 })
  const left = await db.query<{ device_id: string; ts: number }>('select device_id, ts from connections order by seq')
  assert.deepEqual(
    left.map(({ device_id, ts }) => [device_id === other, ts]),
    [
      [false, 1],
      [false, 3],
      [true, 1],
      [true, 2],
      [true, 3],
    ],
  )
})
