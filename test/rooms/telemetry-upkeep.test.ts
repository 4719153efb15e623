/** Sealing goes on where something is wrong, and what is forgotten is what was meant. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { newId } from '../../server/ground/ids.ts'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { forgetAttributesOf } from '../../server/stores/telemetry/forget-attributes.ts'
import { vacuumHot } from '../../server/stores/telemetry/upkeep.ts'
import { type History, historyOf, openHistory } from '../support/history.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const DEVICE = 'aaaaaaaaaaaaaaaaaaaaaaaa'
const OTHER = 'bbbbbbbbbbbbbbbbbbbbbbbb'
const FOREVER = new AbortController().signal
const WITHIN_MS = 30_000

const read = ({ telemetry, applicationId }: History, deviceId: string) =>
  telemetry.readStates({ applicationId, deviceId, newestFirst: false, limit: 100 })

test('what was forgotten before the very first report does not take that along', async (t) => {
  const history = await openHistory(t)
  await history.telemetry.forget(history.db, history.applicationId, [DEVICE])
  await history.append(DEVICE, [1, { a: 1 }])
  assert.deepEqual(await read(history, DEVICE), [{ ts: 1, doc: { a: 1 } }])
})

test('an application with a lost file keeps none of the others from being sealed', async (t) => {
  const one = await openHistory(t, { sealAgeMs: 1 })
  const two = historyOf(one, (await makeApplication(one.db)).id)
  const [lost, whole] = one.applicationId < two.applicationId ? [one, two] : [two, one]
  await lost.append(DEVICE, [1, { a: 1 }])
  await lost.append(OTHER, [1, { a: 1 }])
  await lost.telemetry.sealNow(lost.applicationId, FOREVER)
  await lost.blobs.deleteAll(`telemetry/${lost.applicationId}`)
  await lost.telemetry.forget(lost.db, lost.applicationId, [DEVICE])
  await whole.append(DEVICE, [1, { a: 1 }])
  await using _job = one.telemetry.keepUp()
  const deadline = performance.now() + WITHIN_MS
  let hot = 1
  while (hot > 0 && performance.now() < deadline) {
    await pause(50)
    hot = (await whole.telemetry.describe(whole.applicationId)).hotReports
  }
  assert.equal(hot, 0)
})

for (const count of [3, 300]) {
  test(`${count} devices forgotten at once, in whole and one attribute of them, and nothing of the others`, async (t) => {
    const history = await openHistory(t)
    const { db, applicationId, telemetry } = history
    const devices = Array.from({ length: count + 1 }, newId).sort()
    for (const id of devices) await history.append(id, [1, { a: 1, b: 1 }], [2, { a: 2, b: 2 }], [3, { a: 3, b: 3 }])
    await telemetry.sealNow(applicationId, FOREVER)
    const gone = devices.filter((_, index) => index !== 1)
    await telemetry.forget(db, applicationId, gone, { to: 2 })
    await forgetAttributesOf(db, applicationId, gone, ['a'], { from: 3 })
    const expected = devices
      .map((id, index) => (index === 1 ? `${id},1,1,1\n${id},2,2,2\n${id},3,3,3\n` : `${id},2,2,2\n${id},3,,3\n`))
      .join('')
    const wanted = { deviceIds: devices, attributes: ['a', 'b'] }
    assert.equal(await history.exported(wanted), `ID,Timestamp,a,b\n${expected}`)
    await telemetry.sealNow(applicationId, FOREVER)
    assert.equal(await history.exported(wanted), `ID,Timestamp,a,b\n${expected}`)
  })
}

test('dead rows are cleared away however long that takes', async (t) => {
  const db = await openTestDatabase(t)
  // So many that it takes some hundred milliseconds, against a limit of forty.
  await db.query(`insert into hot_states (application_id, device_id, ts, doc)
    select 'a', 'd', n, '{"text": "a value that takes some room"}' from generate_series(1, 400000) as n`)
  await db.query('delete from hot_states')
  const options = { poolSize: 1, statementTimeoutMs: 40 }
  await using hurried = await openDatabase({ connection: db.connection }, options)
  await assert.rejects(hurried.query('vacuum hot_states'), /statement timeout/)
  await vacuumHot(hurried)
})
