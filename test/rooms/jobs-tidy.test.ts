/** The daily pass: files go with their links, logs and deliveries when they are old, and nothing before its time. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { getJob } from '../../server/jobs/logs.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import { jobChores, openTidying } from '../../server/jobs/tidy.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { jobRequest, openTestJobs } from '../support/jobs.ts'
import { makeApplication, makeFolder, makePass } from '../support/make.ts'
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
  const { jobFiles, jobLogs, orphanedJobFiles } = jobChores({ db, blobs }, AGES)
  assert.ok(jobFiles && jobLogs && orphanedJobFiles)
  const [none, one] = [
    { count: 0, bytes: 0 },
    { count: 1, bytes: 1 },
  ]

  assert.deepEqual(await jobFiles(makePass(6.9)), none)
  assert.deepEqual(await orphanedJobFiles(makePass(6.9)), none)
  assert.deepEqual(await jobFiles(makePass(7.1, true)), one)
  assert.ok(await blobs.stat(file.key))

  assert.deepEqual(await jobFiles(makePass(7.1)), one)
  assert.equal(await blobs.stat(file.key), undefined)
  const kept = await getJob(db, applicationId, jobId)
  assert.deepEqual([kept.files, kept.output], [[], { created: 2 }])

  assert.deepEqual(await jobLogs(makePass(89.9)), none)
  assert.deepEqual(await jobLogs(makePass(90.1, true)), { count: 1, bytes: 0 })
  assert.deepEqual(await jobLogs(makePass(90.1)), { count: 1, bytes: 0 })
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
      return { count: 0, bytes: 0 }
    },
    ...jobChores({ db, blobs: opened.blobs }, AGES),
  }
  const parts = { db, queue, log: log as never, chores }
  for (let n = 0; n < 3; n++) {
    await using _ = await openTidying(parts)
    await until(async () => (await db.query('select id from deliveries')).length === 1)
  }
  assert.deepEqual(passes, [{ chore: 'deliveries', count: 1, bytes: 0 }])
  assert.deepEqual(
    [done, broken],
    [1, [{ chore: 'one', error: 'no use' }]],
    'one that fails keeps none from being done',
  )
})

test('files that no job has are collected after a day, those of a job that still runs never', LIMIT, async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  const { id: applicationId } = await makeApplication(db)
  const states: [string, string, object[]][] = [
    ['running', 'inProgress', []],
    ['ended', 'completed', [{ name: 'a.csv', key: `jobs/${applicationId}/ended/2/0`, sizeBytes: 1 }]],
  ]
  for (const [id, status, files] of states) {
    await db.query(
      `insert into job_logs (id, application_id, kind, name, resource_type, requested_by_type, base_url, status, files)
       values ($1, $2, 'k', 'n', 'device', 'user', '', $3, $4)`,
      [id, applicationId, status, JSON.stringify(files)],
    )
  }
  const keys = ['running/1/0', 'ended/1/0', 'ended/2/0', 'deleted/1/0'].map((key) => `jobs/${applicationId}/${key}`)
  for (const key of keys) await blobs.put(key, Buffer.from('x'))
  const { orphanedJobFiles } = jobChores({ db, blobs }, AGES)
  assert.deepEqual(await orphanedJobFiles?.(makePass(0.9)), { count: 0, bytes: 0 })
  assert.deepEqual(await orphanedJobFiles?.(makePass(1.1)), { count: 2, bytes: 2 })
  const left = await Promise.all(keys.map((key) => blobs.stat(key)))
  assert.deepEqual(left.map(Boolean), [true, false, true, false])
})
