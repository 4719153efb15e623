/** Reports stored by the rules of their device as it is now, durable when acknowledged; what is left out is counted. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { deleteDevice, patchDevice } from '../../server/catalog/devices.ts'
import { listIgnored } from '../../server/catalog/ignored.ts'
import { listStates, sendStates } from '../../server/catalog/states.ts'
import { createLog } from '../../server/ground/log.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'
import { openIgnoredCounts } from '../../server/stores/telemetry/ignored.ts'
import { makeTelemetry } from '../support/history.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const NOW = new Date('2026-03-01T12:00:00.000Z')
const RULES = { maxAgeMs: undefined, now: NOW }
const NUMBER = { name: 'a', dataType: 'number' as const }

test('a report is stored by what its device declares at this moment, and not at all when it is gone', async (t) => {
  const db = await openTestDatabase(t)
  const { telemetry } = await makeTelemetry(t, db)
  const { id, applicationId } = await makeDevice(db, { attributes: [NUMBER] })
  const send = (data: Record<string, number>) => sendStates(db, applicationId, id, { data }, RULES)
  const changing = { db, forgetAttributes: async () => {} }
  assert.deepEqual(await send({ a: 1, b: 1 }), { undeclared: 1 })
  await patchDevice(changing, applicationId, id, { attributes: [NUMBER, { name: 'b', dataType: 'number' }] })
  assert.deepEqual(await send({ b: 2 }), {})
  assert.deepEqual(await listStates({ db, telemetry }, applicationId, id, {}, NOW), [
    { time: NOW.toISOString(), data: { a: 1, b: 2 } },
  ])
  await assert.rejects(sendStates(db, (await makeApplication(db)).id, id, { data: { a: 1 } }, RULES), {
    kind: 'notFound',
  })
  await deleteDevice(db, applicationId, id)
  await assert.rejects(send({ a: 3 }), { kind: 'notFound' })
})

test('a change of the device waits for reports under way, and later reports for the change', async (t) => {
  const db = await openTestDatabase(t)
  const { telemetry } = await makeTelemetry(t, db)
  const { id, applicationId } = await makeDevice(db, { attributes: [NUMBER] })
  let reported: Promise<unknown> | undefined
  await db.transaction(async (tx) => {
    await tx.query('select from devices where id = $1 for update', [id])
    reported = sendStates(db, applicationId, id, { data: { a: 1 } }, RULES)
    await waitForLock(db)
    await tx.query(`update devices set attributes = '[]' where id = $1`, [id])
  })
  assert.deepEqual(await reported, { undeclared: 1, empty: 1 })
  assert.deepEqual(await listStates({ db, telemetry }, applicationId, id, {}, NOW), [])
})

/** Until a session of this database waits for a lock: the report is at its device then. */
async function waitForLock(db: Awaited<ReturnType<typeof openTestDatabase>>): Promise<void> {
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  const deadline = performance.now() + 10_000
  while ((await db.query(waiting)).length === 0) assert.ok(performance.now() < deadline, 'nobody waits')
}

test('a device that reports without a pause can be changed all the same', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 10 })
  const { id, applicationId } = await makeDevice(db, { attributes: [NUMBER] })
  let isOver = false
  const report = async () => {
    while (!isOver) await sendStates(db, applicationId, id, { data: { a: 1 } }, RULES)
  }
  const reporters = Array.from({ length: 8 }, report)
  const changing = { db, forgetAttributes: async () => {} }
  for (const name of ['b', 'c', 'd']) await patchDevice(changing, applicationId, id, { name })
  isOver = true
  await Promise.all(reporters)
})

test('what was ignored is counted by device and reason, across processes, and goes with the device', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const [first, second] = [await makeDevice(db, { applicationId }), await makeDevice(db, { applicationId })]
  const foreign = await makeDevice(db)
  const log = createLog('silent')
  const [one, two] = [openIgnoredCounts(db, log), openIgnoredCounts(db, log)]
  one.add(first.id, { tooOld: 2, undeclared: 1 })
  one.add(first.id, { tooOld: 3 })
  two.add(first.id, { tooOld: 5 })
  one.add(foreign.id, { empty: 9 })
  one.add('f'.repeat(24), { empty: 9 })
  await Promise.all([one.write(), two.write()])
  two.add(second.id, { empty: 1 })
  await two[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()

  const { ignored, items, totalCount } = await listIgnored(db, applicationId, {})
  assert.deepEqual(ignored, { tooOld: 10, undeclared: 1, empty: 1 })
  assert.equal(totalCount, 2)
  assert.deepEqual(
    items.map((item) => [item.deviceId, item.ignored]),
    [
      [second.id, { empty: 1 }],
      [first.id, { tooOld: 10, undeclared: 1 }],
    ],
  )
  const page = await listIgnored(db, applicationId, { perPage: '1', page: '1' })
  assert.deepEqual(
    page.items.map(({ deviceId }) => deviceId),
    [first.id],
  )
  const ofOne = await listIgnored(db, applicationId, { deviceId: second.id.toUpperCase() })
  assert.deepEqual([ofOne.ignored, ofOne.totalCount], [{ empty: 1 }, 1])
  await db.query('delete from devices where id = $1', [first.id])
  assert.deepEqual((await listIgnored(db, applicationId, {})).ignored, { empty: 1 })
})

test('counts that could not be written are written later', async (t) => {
  const db = await openTestDatabase(t)
  const { id, applicationId } = await makeDevice(db)
  let isAway = true
  const flaky: Queryable = {
    one: db.one,
    query: async <Row>(text: string, values?: readonly unknown[]) => {
      if (isAway) throw new Error('away')
      return db.query<Row>(text, values)
    },
  }
  const counts = openIgnoredCounts(flaky, createLog('silent'))
  counts.add(id, { unfit: 4 })
  await counts.write()
  isAway = false
  counts.add(id, { unfit: 1 })
  await counts.write()
  assert.deepEqual((await listIgnored(db, applicationId, {})).ignored, { unfit: 5 })
})
