/** What is known of devices as CSV and JSON: columns, cells that need care, and devices by the thousand. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { DeviceChoice } from '../../server/catalog/device-choice.ts'
import { exportDeviceMetadata, type MetadataFormat } from '../../server/catalog/device-export.ts'
import { getDevice } from '../../server/catalog/devices.ts'
import { appendConnections } from '../../server/stores/telemetry/connections.ts'
import { makeApplication, makeDevice, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

async function openExport(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const file = join(await makeFolder(t), 'devices')
  const { signal } = new AbortController()
  const write = async (format: MetadataFormat, choice: DeviceChoice = { query: {} }) => {
    const count = await exportDeviceMetadata(db, { applicationId, choice, format }, file, signal)
    return { count, text: await readFile(file, 'utf8') }
  }
  return { db, applicationId, write }
}

test('CSV has our columns and one for each tag key; values of one key are joined', async (t) => {
  const { db, applicationId, write } = await openExport(t)
  const gateway = await makeDevice(db, { applicationId, name: 'the gateway', deviceClass: 'gateway' })
  const pump = await makeDevice(db, {
    applicationId,
    name: 'pump, "large"',
    description: 'two\nlines',
    deviceClass: 'peripheral',
    gatewayId: gateway.id,
    parentId: gateway.id,
    tags: [
      { key: 'floor', value: '2' },
      { key: 'name', value: 'a,b' },
      { key: 'floor', value: '1' },
      { key: 'Zone', value: 'Ω' },
    ],
  })
  await makeDevice(db, { name: 'of another application', tags: [{ key: 'foreign', value: '1' }] })
  const { text, count } = await write('csv')
  const dates = ({ creationDate, lastUpdated }: typeof pump) => `${creationDate},${lastUpdated}`
  assert.equal(
    text,
    [
      'ID,Name,Description,Device Class,Creation Date,Last Updated,Parent ID,Gateway ID,Zone,floor,Tag name\n',
      `${gateway.id},the gateway,,gateway,${dates(gateway)},,,,,\n`,
      `${pump.id},"pump, ""large""","two\nlines",peripheral,${dates(pump)},${gateway.id},${gateway.id},Ω,2|1,"a,b"\n`,
    ].join(''),
  )
  assert.equal(count, 2)
})

test('JSON is what getting each device gives, its connection too', async (t) => {
  const { db, applicationId, write } = await openExport(t)
  const lamp = await makeDevice(db, { applicationId, name: 'lamp', attributes: [{ name: 'on', dataType: 'boolean' }] })
  const pump = await makeDevice(db, { applicationId, name: 'pump', description: '"' })
  await appendConnections(db, applicationId, lamp.id, [{ ts: 5000, connected: true }])
  const { text } = await write('json')
  assert.deepEqual(JSON.parse(text), [
    {
      ...(await getDevice(db, applicationId, lamp.id)),
      connectionInfo: { time: '1970-01-01T00:00:05.000Z', connected: 1 },
    },
    { ...(await getDevice(db, applicationId, pump.id)), connectionInfo: { connected: null } },
  ])
})

test('no devices make a header, or an empty array', async (t) => {
  const { write } = await openExport(t)
  const { text } = await write('csv', {})
  assert.equal(text, 'ID,Name,Description,Device Class,Creation Date,Last Updated,Parent ID,Gateway ID\n')
  assert.deepEqual(await write('json'), { count: 0, text: '[]\n' })
})

test('devices beyond one batch are all there once, by id', async (t) => {
  const { db, applicationId, write } = await openExport(t)
  await db.query(
    `insert into devices (id, application_id, name, tags)
     select lpad(to_hex(n * 7919 % 100000), 24, '0'), $1, 'device ' || n, jsonb_build_array(jsonb_build_object('key', 'k' || n % 3, 'value', 'v'))
     from generate_series(1, 1001) n`,
    [applicationId],
  )
  const lines = (await write('csv', { deviceTags: [{ key: 'k1' }, { key: 'k2' }, { key: 'k0' }] })).text
    .trimEnd()
    .split('\n')
  const ids = lines.slice(1).map((line) => line.slice(0, 24))
  assert.deepEqual(ids, [...new Set(ids)].sort())
  assert.equal(ids.length, 1001)
  const objects: { id: string }[] = JSON.parse((await write('json')).text)
  assert.deepEqual(
    objects.map(({ id }) => id),
    ids,
  )
})

test('a faulty query is refused, and a signal ends the writing', async (t) => {
  const { db, applicationId, write } = await openExport(t)
  await assert.rejects(write('csv', { query: { colour: 1 } }), { kind: 'invalid', message: /^query\.colour is not/ })
  const wanted = { applicationId, choice: { query: {} }, format: 'csv' } as const
  await assert.rejects(exportDeviceMetadata(db, wanted, '/dev/null', AbortSignal.abort()), { name: 'AbortError' })
  await makeDevice(db, { applicationId })
  assert.equal((await write('csv')).count, 1)
})
