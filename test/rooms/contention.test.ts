/** Transactions in each other's way: what is repeatable goes through, and what happens beside a removal is in one order. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { changeDevice } from '../../server/catalog/device-change.ts'
import { createDevice } from '../../server/catalog/devices.ts'
import { deleteApplication, removeApplication } from '../../server/executions/remove-application.ts'
import { AppError } from '../../server/ground/errors.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import { endJob } from '../../server/jobs/store.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { type Database, openDatabase, type Queryable } from '../../server/stores/postgres/database.ts'
import { forgetAttributes } from '../../server/stores/telemetry/forget-attributes.ts'
import { appendStates } from '../../server/stores/telemetry/hot.ts'
import { openIgnoredCounts } from '../../server/stores/telemetry/ignored.ts'
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

/** A database that counts the transactions it had to end for others, those that were done again included. */
async function openCounting(t: TestContext) {
  const { connection } = await openTestDatabase(t)
  const ended: unknown[] = []
  const log = (event: string, fields: object) => {
    if (event === 'transaction ended for others') ended.push(fields)
  }
  const db = await openDatabase({ connection }, { poolSize: 20, log })
  t.after(() => db.close())
  return { db, ended }
}

test('settings, changes of devices and counts beside the removal of an application end no transaction', async (t) => {
  const { db, ended } = await openCounting(t)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  const { signal } = new AbortController()
  const keeping = { now: () => new Date(), retentionMs: 1 }
  const refused: unknown[] = []
  for (let round = 0; round < 12; round += 1) {
    const { id: applicationId, ownerId } = await makeApplication(db)
    const attributes = [
      { name: 'a', dataType: 'number' as const },
      { name: 'b', dataType: 'number' as const },
    ]
    const names = Array.from({ length: 40 }, (_, index) => `d${index}`)
    const devices = await Promise.all(names.map((name) => createDevice(db, applicationId, { name, attributes })))
    const ids = devices.map(({ id }) => id)
    await Promise.all(ids.map((id) => appendStates(db, applicationId, id, [{ ts: 1000, doc: { a: 1, b: 2 } }])))
    const warn = (fields: object) => void refused.push(fields)
    const counts = openIgnoredCounts(db, Object.assign(createLog('silent'), { warn }))
    const beside = async (work: () => Promise<unknown>) => {
      // What is gone by then may be refused; nothing may be ended for others.
      await work().catch((error: unknown) => {
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        if (!(error instanceof AppError) && code !== '23503') refused.push(error)
      })
    }
    const change = (id: string, family: boolean) =>
      changeDevice({ db, forgetAttributes }, { applicationId, id, family }, (before) => ({ ...before, attributes: [] }))
    await deleteApplication(db, ownerId, applicationId)
    await Promise.all([
      (async () => {
        while (!(await removeApplication({ db, blobs }, applicationId, signal)));
      })(),
      ...ids.toReversed().map((id, index) => beside(() => change(id, index % 3 === 0))),
      ...Array.from({ length: 8 }, () =>
        beside(() => db.transaction((tx) => setRetention(tx, applicationId, 5000, keeping))),
      ),
      ...Array.from({ length: 4 }, () =>
        beside(async () => {
          for (const id of ids) counts.add(id, { tooOld: 1 })
          await counts.write()
        }),
      ),
    ])
    await counts[Symbol.asyncDispose]()
  }
  assert.deepEqual([refused, ended], [[], []])
})
