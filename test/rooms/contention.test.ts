/** Transactions in each other's way: what is repeatable goes through, and what happens beside a removal is in one order. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { createDevice } from '../../server/catalog/devices.ts'
import { deleteApplication, removeApplication } from '../../server/executions/remove-application.ts'
import { newId } from '../../server/ground/ids.ts'
import { endJob } from '../../server/jobs/store.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { type Database, openDatabase, type Queryable } from '../../server/stores/postgres/database.ts'
import { appendStates } from '../../server/stores/telemetry/hot.ts'
import { setRetention } from '../../server/stores/telemetry/settings.ts'
import { makeApplication, makeDevice, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const DEADLOCK = { code: '40P01' }

/** Two transactions that each change a row, and then that of the other. */
async function crossed(db: Database, options: { repeatable?: boolean }) {
  await db.query('create table if not exists crossed (id int primary key, changes int not null)')
  await db.query('truncate crossed; insert into crossed values (1, 0), (2, 0)')
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  let tries = 0
  const change = (tx: Queryable, id: number) => tx.query('update crossed set changes = changes + 1 where id = $1', [id])
  const one = (first: 0 | 1) =>
    db.transaction(async (tx) => {
      tries += 1
      await change(tx, first + 1)
      both[first].resolve()
      await Promise.all(both.map(({ promise }) => promise))
      await change(tx, 2 - first)
    }, options)
  const ends = await Promise.allSettled([one(0), one(1)])
  const rows = await db.query<{ changes: number }>('select changes from crossed order by id')
  return { ends, tries, changes: rows.map(({ changes }) => changes) }
}

test('of two transactions that wait for each other one is ended, and done again when that is allowed', async (t) => {
  const db = await openTestDatabase(t)
  const once = await crossed(db, {})
  const failures = once.ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []))
  assert.deepEqual([failures, once.tries, once.changes], [['40P01'], 2, [1, 1]])
  const again = await crossed(db, { repeatable: true })
  assert.deepEqual(
    again.ends.map(({ status }) => status),
    ['fulfilled', 'fulfilled'],
  )
  assert.deepEqual([again.tries, again.changes], [3, [2, 2]])
})

test('what keeps failing is given up after ten tries, and what fails otherwise at once', async (t) => {
  const db = await openTestDatabase(t)
  for (const [code, tries] of [
    ['40001', 10],
    ['40P01', 10],
    ['22012', 1],
  ] as const) {
    let tried = 0
    const work = async (tx: Queryable) => {
      tried += 1
      await tx.query(`do $$ begin raise exception 'no' using errcode = '${code}'; end $$`)
    }
    await assert.rejects(db.transaction(work, { repeatable: true }), { code })
    assert.equal(tried, tries, code)
  }
})

const blockedBy = async (db: Queryable) =>
  (await db.query(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`))
    .length

/** Starts the work while somebody holds the application to remove it, who goes on once the work waits for him. */
async function besideRemoval(db: Database, applicationId: string, work: () => Promise<unknown>) {
  await using session = await db.connect()
  await session.query('begin')
  await session.query('select id from applications where id = $1 for update', [applicationId])
  const working = work().then(
    () => undefined,
    (error: unknown) => error,
  )
  await until(async () => (await blockedBy(db)) > 0)
  await session.query('delete from applications where id = $1', [applicationId])
  await session.query('commit')
  const failure = await working
  assert.ok(!(failure instanceof Error && 'code' in failure && failure.code === DEADLOCK.code), String(failure))
}

test('retention that is set while its application goes holds nothing that the removal waits for', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId, id } = await makeDevice(db)
  await appendStates(db, applicationId, id, [{ ts: 1000, doc: { a: 1 } }])
  await db.query('insert into telemetry (application_id, retention_ms) values ($1, 1000)', [applicationId])
  const keeping = { now: () => new Date(), retentionMs: undefined }
  await db.query('delete from devices where id = $1', [id])
  await besideRemoval(db, applicationId, () => db.transaction((tx) => setRetention(tx, applicationId, 5000, keeping)))
  assert.deepEqual(await db.query('select from hot_states where application_id = $1', [applicationId]), [])
})

test('a job that ends while its application goes holds nothing that the removal waits for', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const id = newId()
  await db.query(
    `insert into job_logs (id, application_id, kind, name, resource_type, requested_by_type, status, attempt, base_url)
     values ($1, $2, 'a', 'a', 'event', 'user', 'inProgress', 1, '')`,
    [id, applicationId],
  )
  const end = async (tx: Queryable) => {
    const row = await endJob(tx, { id, attempt: 1 }, { status: 'completed', output: {}, files: [] })
    if (!row) return
    await tx.query(
      `insert into deliveries (id, application_id, kind, target, body) values ($1, $2, 'mail', 'a@example.com', '')`,
      [newId(), applicationId],
    )
  }
  await besideRemoval(db, applicationId, () => db.transaction(end))
  assert.deepEqual(await db.query('select from job_logs where id = $1', [id]), [])
})

/** A deleted application with devices, and what it takes to remove it; `ended` gets what was ended for others. */
async function openDeleted(t: TestContext, devices: number) {
  const { connection } = await openTestDatabase(t)
  const ended: unknown[] = []
  const log = (event: string) => {
    if (event === 'transaction ended for others') ended.push(event)
  }
  const db = await openDatabase({ connection }, { poolSize: 6, log })
  t.after(() => db.close())
  const { id: applicationId } = await makeApplication(db)
  for (let index = 0; index < devices; index += 1) await createDevice(db, applicationId, { name: `d${index}` })
  const rows = await db.query<{ id: string }>('select id from devices where application_id = $1 order by id', [
    applicationId,
  ])
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  await deleteApplication(db, applicationId)
  return { db, applicationId, ids: rows.map(({ id }) => id), blobs, ended }
}

const never = new AbortController().signal

test('a removal locks devices in the order in which everybody does', async (t) => {
  const { db, applicationId, ids, blobs, ended } = await openDeleted(t, 20)
  await db.query(`update devices set name = 'changed' where id = $1`, [ids[0]]) // it lies behind the others now
  await using other = await db.connect()
  const lock = (id: string | undefined) => other.query('select from devices where id = $1 for key share', [id])
  await other.query('begin')
  await lock(ids[0])
  const removing = removeApplication({ db, blobs }, applicationId, never)
  await until(async () => (await blockedBy(db)) > 0)
  for (const id of ids.slice(1)) await lock(id)
  await other.query('commit')
  assert.deepEqual([await removing, ended], [true, []])
})

test('a device that comes while its application is removed is not taken along, and the removal is done again', async (t) => {
  const { db, applicationId, blobs } = await openDeleted(t, 1)
  const { deleteAll, ...rest } = blobs
  let isLate = false
  const late = {
    ...rest,
    // The last step before the application itself: its devices are gone by then.
    deleteAll: async (prefix: string) => {
      if (!isLate) await createDevice(db, applicationId, { name: 'late' })
      isLate = true
      await deleteAll(prefix)
    },
  }
  assert.equal(await removeApplication({ db, blobs: late }, applicationId, never), false)
  assert.equal((await db.query('select from devices where application_id = $1', [applicationId])).length, 1)
  assert.equal(await removeApplication({ db, blobs: late }, applicationId, never), true)
})
