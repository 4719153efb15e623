/** The daily pass: files go with their links, logs and deliveries when they are old, and nothing before its time. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { getJob } from '../../server/jobs/logs.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import { openTidying, tidy } from '../../server/jobs/tidy.ts'
import { jobRequest, openTestJobs } from '../support/jobs.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const DAY_MS = 86_400_000
const AGES = { filesMs: 7 * DAY_MS, logsMs: 90 * DAY_MS }
const LIMIT = { timeout: 60_000 }

test('what a job made is deleted when its links have ended, its log stays for longer', LIMIT, async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const { id: applicationId } = await makeApplication(db)
  await using opened = await openTestJobs({
    db,
    folder: await makeFolder(t),
    work: {
      report: async (_, { folder }) => {
        const path = join(folder, 'a.csv')
        await writeFile(path, 'a')
        return { files: [{ name: 'a.csv', path }], output: { created: 2 } }
      },
    },
  })
  const { jobs, blobs } = opened
  const { jobId } = await jobs.enqueue(db, jobRequest(applicationId, 'report'))
  await until(async () => (await getJob(db, applicationId, jobId)).status === 'completed')
  const [file] = (await getJob(db, applicationId, jobId)).files
  assert.ok(file)
  const at = (days: number) => new Date(Date.now() + days * DAY_MS)

  assert.deepEqual(await tidy({ db, blobs, ...AGES }, at(6.9)), { jobsWithoutFiles: 0, logs: 0, deliveries: 0 })
  assert.ok(await blobs.stat(file.key))

  assert.deepEqual(await tidy({ db, blobs, ...AGES }, at(7.1)), { jobsWithoutFiles: 1, logs: 0, deliveries: 0 })
  assert.equal(await blobs.stat(file.key), undefined)
  const kept = await getJob(db, applicationId, jobId)
  assert.deepEqual([kept.files, kept.output], [[], { created: 2 }])

  assert.deepEqual(await tidy({ db, blobs, ...AGES }, at(90.1)), { jobsWithoutFiles: 0, logs: 1, deliveries: 0 })
  await assert.rejects(getJob(db, applicationId, jobId), { kind: 'notFound' })
})

test('however many workers ask, one pass a day is made', LIMIT, async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const folder = await makeFolder(t)
  const { id: applicationId } = await makeApplication(db)
  await using opened = await openTestJobs({ db, folder, work: {} })
  const passes: unknown[] = []
  const broken: unknown[] = []
  const log = {
    ...createLog('silent'),
    info: (fields: unknown) => passes.push(fields),
    warn: (fields: unknown) => broken.push(fields),
  }
  const queue = await openQueue(db, { supervise: false, log: createLog('silent') })
  t.after(() => queue[Symbol.asyncDispose]())
  const old = new Date(Date.now() - 91 * DAY_MS)
  await db.query(
    `insert into deliveries (id, application_id, kind, target, body, status, ended_at)
     values ('a', $1, 'mail', 'them@example.com', '', 'kept', $2), ('b', $1, 'mail', 'them@example.com', '', 'kept', now())`,
    [applicationId, old],
  )
  let done = 0
  const chores = {
    one: () => Promise.reject(new Error('no use')),
    other: async () => {
      done += 1
      return 0
    },
  }
  const parts = { db, blobs: opened.blobs, queue, log: log as never, chores, ...AGES }
  for (let n = 0; n < 3; n++) {
    await using _ = await openTidying(parts)
    await until(async () => (await db.query('select id from deliveries')).length === 1)
  }
  assert.deepEqual(passes, [{ jobsWithoutFiles: 0, logs: 0, deliveries: 1 }])
  assert.deepEqual(
    [done, broken],
    [1, [{ chore: 'one', error: 'no use' }]],
    'one that fails keeps none from being done',
  )
})
