/** Applications over the database: counts by day, devices gone for good, and deletion that leaves nothing. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { deviceCounts } from '../../server/catalog/application-counts.ts'
import { getApplication, patchGlobals } from '../../server/catalog/applications.ts'
import { purgeDevices } from '../../server/catalog/device-purge.ts'
import { createDevice, deleteDevice, getDevice } from '../../server/catalog/devices.ts'
import { setJupyterFile } from '../../server/catalog/notebooks.ts'
import { deleteApplication, removeApplication } from '../../server/executions/remove-application.ts'
import { doUpkeep } from '../../server/executions/upkeep.ts'
import { createLog } from '../../server/ground/log.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import {
  column,
  makeApplication,
  makeDevice,
  makeExecution,
  makeFolder,
  makeNotebook,
  makeTable,
} from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const { signal } = new AbortController()

test('globals changed at once are all there', async (t) => {
  const db = await openTestDatabase(t)
  const { id } = await makeApplication(db)
  const keys = Array.from({ length: 10 }, (_, index) => `key${index}`)
  await Promise.all(keys.map((key) => patchGlobals(db, id, [{ key, json: '1' }])))
  const { globals } = await getApplication(db, id)
  assert.deepEqual(globals.map(({ key }) => key).sort(), keys)
  const many = Array.from({ length: 91 }, (_, index) => ({ key: `more${index}`, json: '1' }))
  await assert.rejects(patchGlobals(db, id, many), { kind: 'invalid', message: /at most 100 globals/ })
})

test('days tell how many devices there were, those that are gone for good too', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const live = async (createdAt: string, deletedAt: string | null) => {
    const { id } = await makeDevice(db, { applicationId })
    await db.query('update devices set created_at = $2, deleted_at = $3 where id = $1', [id, createdAt, deletedAt])
  }
  await live('2026-01-01T12:00:00Z', null)
  await live('2026-03-01T23:59:59Z', '2026-03-03T00:00:00Z')
  await live('2026-03-02T00:00:00Z', '2026-03-02T01:00:00Z')
  await makeDevice(db)
  const range = { start: '2026-03-01', end: '2026-03-03T12:00:00Z' }
  const expected = [
    [1, 0, 2],
    [1, 1, 2],
    [0, 1, 1],
  ]
  const counts = async () =>
    (await deviceCounts(db, [applicationId], range, new Date())).counts.map(({ created, deleted, total }) => [
      created,
      deleted,
      total,
    ])
  assert.deepEqual(await counts(), expected)
  assert.equal(await purgeDevices({ db, forgetDevices: async () => {} }, new Date('2026-06-04T00:30:00Z'), signal), 2)
  assert.deepEqual(await counts(), expected)
  const backwards = deviceCounts(db, [applicationId], { start: range.end, end: range.start }, new Date())
  await assert.rejects(backwards, { kind: 'invalid', message: 'start must not be later than end' })
})

test('a device is gone for good after 93 days, and those around it stand alone', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const make = (post: object) => createDevice(db, applicationId, { name: 'd', ...post })
  const site = await make({})
  const hall = await make({ parentId: site.id, deviceClass: 'gateway' })
  const room = await make({ parentId: hall.id })
  const lamp = await make({ parentId: room.id, deviceClass: 'peripheral', gatewayId: hall.id })
  await deleteDevice(db, applicationId, hall.id)
  const forgotten: (readonly string[])[] = []
  const parts = {
    db,
    forgetDevices: async (_: unknown, __: string, ids: readonly string[]) => void forgotten.push(ids),
  }
  const days = (count: number) => new Date(Date.now() + count * 86_400_000)
  assert.equal(await purgeDevices(parts, days(92.9), signal), 0)
  assert.deepEqual((await getDevice(db, applicationId, lamp.id)).ancestorIds, [room.id, hall.id, site.id])
  assert.equal(await purgeDevices(parts, days(93.1), signal), 1)
  assert.deepEqual(forgotten, [[hall.id]])
  const [roomNow, lampNow] = [await getDevice(db, applicationId, room.id), await getDevice(db, applicationId, lamp.id)]
  assert.deepEqual([roomNow.parentId, roomNow.ancestorIds], [undefined, []])
  assert.deepEqual([lampNow.parentId, lampNow.ancestorIds, lampNow.gatewayId], [room.id, [room.id], undefined])
})

/** An application with everything in it, and the bytes of it all. */
async function openFull(t: TestContext) {
  const db = await openTestDatabase(t)
  const folder = join(await makeFolder(t), 'blobs')
  const blobs = await openFsBlobs(folder)
  const { id: applicationId } = await makeApplication(db)
  await makeDevice(db, { applicationId })
  await makeTable(db, [column('a')], { applicationId })
  const made = await makeNotebook(db, { applicationId })
  const notebook = await setJupyterFile(db, blobs, applicationId, made.id, {
    name: 'a.ipynb',
    content: Buffer.from('{}'),
  })
  const executionId = await makeExecution(db, notebook)
  await blobs.put(`executions/${executionId}/1/result.log`, Buffer.from('x'))
  await blobs.put('files/a', Buffer.from('x'))
  await db.query(
    `insert into files (id, application_id, parent_directory, name, type, blob_key, author_type)
     values ('f', $1, '/', 'a', 'file', 'files/a', 'user'), ('d', $1, '/', 'b', 'directory', null, 'user')`,
    [applicationId],
  )
  const bytes = async () =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length
  const rows = async () => {
    const [row] = await db.query<{ left: number }>(
      `select (select count(*) from applications where id = $1)::int
         + (select count(*) from devices where application_id = $1)::int
         + (select count(*) from notebooks where application_id = $1)::int
         + (select count(*) from executions where application_id = $1)::int
         + (select count(*) from files where application_id = $1)::int
         + (select count(*) from information_schema.tables where table_schema = 'rows')::int as left`,
      [applicationId],
    )
    return row?.left
  }
  const parts = { db, blobs, log: createLog('silent'), forgetDevices: async () => {} }
  return { db, parts, applicationId, executionId, bytes, rows }
}

test('a deleted application is seen by nobody at once, its runs are canceled, and all it had goes', async (t) => {
  const { db, parts, applicationId, executionId, bytes, rows } = await openFull(t)
  const other = await makeApplication(db)
  assert.deepEqual([await bytes(), (await rows()) ?? 0], [3, 7])
  await deleteApplication(db, applicationId)
  await assert.rejects(getApplication(db, applicationId), { kind: 'notFound' })
  await assert.rejects(deleteApplication(db, applicationId), { kind: 'notFound' })
  const [execution] = await db.query<{ status: string }>('select status from executions where id = $1', [executionId])
  assert.equal(execution?.status, 'canceled')
  assert.equal(await doUpkeep(parts, new Date(), signal), 0)
  assert.deepEqual([await bytes(), await rows()], [0, 0])
  assert.equal((await getApplication(db, other.id)).id, other.id)
})

test('nothing of an application goes while something of it still runs', async (t) => {
  const { db, parts, applicationId, executionId, bytes, rows } = await openFull(t)
  await db.query(`update executions set status = 'inProgress' where id = $1`, [executionId])
  await deleteApplication(db, applicationId)
  assert.equal(await removeApplication(parts, applicationId, signal), false)
  assert.deepEqual([await bytes(), await rows()], [3, 7])
  await db.query(`update executions set status = 'canceled', outputs_completed_at = now() where id = $1`, [executionId])
  assert.equal(await removeApplication(parts, applicationId, signal), true)
  assert.deepEqual([await bytes(), await rows()], [0, 0])
})

test('a removal that was broken off goes on where it was', async (t) => {
  const { db, parts, applicationId, bytes, rows } = await openFull(t)
  await deleteApplication(db, applicationId)
  const { delete: remove, ...rest } = parts.blobs
  const failing = { ...rest, delete: () => Promise.reject(new Error('the disk is away')) }
  await assert.rejects(removeApplication({ ...parts, blobs: failing }, applicationId, signal), /the disk is away/)
  assert.ok(((await rows()) ?? 0) > 0)
  assert.equal(await removeApplication({ ...parts, blobs: { ...rest, delete: remove } }, applicationId, signal), true)
  assert.deepEqual([await bytes(), await rows()], [0, 0])
})
