/** Jobs against a real database: queued with the transaction that causes them, done once, whatever dies meanwhile. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { invalid } from '../../server/ground/errors.ts'
import { createLog } from '../../server/ground/log.ts'
import { giveBack } from '../../server/jobs/attempt.ts'
import { getJob, toJobLog } from '../../server/jobs/logs.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import type { JobWork } from '../../server/jobs/work.ts'
import type { Database, Queryable } from '../../server/stores/postgres/database.ts'
import { jobRequest, openTestJobs, type TestJobsOptions } from '../support/jobs.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 60_000 }

async function setScene(t: TestContext, options: Partial<TestJobsOptions> & Pick<TestJobsOptions, 'work'>) {
  const db = await openTestDatabase(t, { poolSize: 10 })
  const folder = await makeFolder(t)
  const opened = await openTestJobs({ db, folder, ...options })
  t.after(() => opened[Symbol.asyncDispose]())
  const { id: applicationId } = await makeApplication(db)
  return { db, folder, applicationId, ...opened }
}

/** The log of a job once it has ended. */
async function ended(db: Queryable, applicationId: string, jobId: string) {
  let row = await getJob(db, applicationId, jobId)
  await until(async () => {
    row = await getJob(db, applicationId, jobId)
    return row.completed_at !== null
  })
  return row
}

const report: JobWork = async (job, { folder, progress }) => {
  progress(1, 2)
  const path = join(folder, 'data.csv')
  await writeFile(path, `of ${job.input['what']}\n`)
  return { files: [{ name: 'the report.csv', path }], output: { created: 1 } }
}

test('a job is done, its file is kept and linked, its folder is gone', LIMIT, async (t) => {
  const { db, applicationId, jobs, blobs, presence } = await setScene(t, { work: { report } })
  const answer = await jobs.enqueue(db, jobRequest(applicationId, 'report', { what: 'pumps', email: 'a@example.com' }))
  assert.deepEqual(Object.keys(answer), ['success', 'jobQueued', 'jobId'])
  assert.ok(answer.jobId.length <= 21)
  const row = await ended(db, applicationId, answer.jobId)
  const [file] = row.files
  assert.ok(file)
  assert.equal(String(await blobs.read(file.key)), 'of pumps\n')
  const log = toJobLog(row, 'http://here', (base, key, name) => `${base}/${key}/${name}`)
  assert.equal(log.status, 'completed')
  assert.deepEqual(log.output, { created: 1, downloadUrls: [`http://here/${file.key}/the report.csv`] })
  assert.deepEqual(log.input, { what: 'pumps', emails: ['a@example.com'] })
  await until(async () => (await readdir(presence.folder)).length === 0)
})

test('the library looks after its queues, and finds nothing to complain of', LIMIT, async (t) => {
  const db = await openTestDatabase(t)
  const warned: unknown[] = []
  const log = Object.assign(createLog('silent'), { warn: (...said: unknown[]) => void warned.push(said) })
  await using queue = await openQueue(db, { supervise: true, log, superviseSeconds: 1 })
  await queue.put(db, 'fieldbook_jobs', 'a'.repeat(24))
  await until(async () => {
    const rows = await db.query<{ done: boolean }>(
      `select maintain_on is not null as done from fieldbook_queue.queue where name like 'fieldbook%'`,
    )
    return rows.length > 0 && rows.every(({ done }) => done)
  })
  assert.deepEqual(warned, [])
})

test('a transaction that is rolled back leaves neither a log nor anything in the queue', LIMIT, async (t) => {
  const { db, applicationId, jobs } = await setScene(t, { work: { report } })
  const failing = db.transaction(async (tx) => {
    await jobs.enqueue(tx, jobRequest(applicationId, 'report'))
    throw new Error('the caller changed its mind')
  })
  await assert.rejects(failing, /changed its mind/)
  const { jobId } = await db.transaction((tx) => jobs.enqueue(tx, jobRequest(applicationId, 'report')))
  await ended(db, applicationId, jobId)
  assert.deepEqual(await db.one('select count(*)::int as logs from job_logs'), { logs: 1 })
  assert.deepEqual(await db.one('select count(*)::int as items from fieldbook_queue.job'), { items: 0 })
})

test('what the work refuses is told to its owner; a fault of ours shows a reference only', LIMIT, async (t) => {
  const work: Record<string, JobWork> = {
    refuses: async () => {
      throw invalid('query.level is not a field')
    },
    breaks: async () => {
      throw new Error('password of the database is hunter2')
    },
  }
  const { db, applicationId, jobs } = await setScene(t, { work })
  const endOf = async (kind: string) => {
    const { jobId } = await jobs.enqueue(db, jobRequest(applicationId, kind))
    const { status, error } = await ended(db, applicationId, jobId)
    return { status, ...error }
  }
  assert.deepEqual(await endOf('refuses'), {
    status: 'errored',
    name: 'Validation',
    message: 'query.level is not a field',
  })
  const broken = await endOf('breaks')
  assert.equal(broken.name, 'Error')
  assert.match(String(broken.message), /^Something went wrong on our side; its reference is [0-9a-f]{24}$/)
  assert.match(String((await endOf('unheard of')).message), /does not know jobs of the kind unheard of/)
})

test('a job that takes too long ends as errored, even when it does not heed its signal', LIMIT, async (t) => {
  const work: Record<string, JobWork> = {
    heeds: (_, { signal }) => pause(60_000, {}, { signal }),
    ignores: () => pause(20_000, {}, { ref: false }),
  }
  const { db, applicationId, jobs } = await setScene(t, { work, limitMs: 50, slots: 2 })
  const queued = await Promise.all(Object.keys(work).map((kind) => jobs.enqueue(db, jobRequest(applicationId, kind))))
  for (const { jobId } of queued) {
    const { error } = await ended(db, applicationId, jobId)
    assert.deepEqual(error, {
      name: 'JobTimeout',
      message: 'The job took longer than 0.05 s, the limit of FIELDBOOK_JOB_TIME',
    })
  }
})

test('two workers do every job once, and never more at a time than they have slots', LIMIT, async (t) => {
  const done: string[] = []
  let [running, most] = [0, 0]
  const work: Record<string, JobWork> = {
    count: async ({ id }) => {
      running++
      most = Math.max(most, running)
      await pause(5)
      running--
      done.push(id)
      return {}
    },
  }
  const scene = await setScene(t, { work, slots: 2 })
  const second = await openTestJobs({ db: scene.db, folder: scene.folder, work, slots: 2 })
  t.after(() => second[Symbol.asyncDispose]())
  const { db, applicationId, jobs } = scene
  const queued: string[] = []
  for (let n = 0; n < 40; n++) queued.push((await jobs.enqueue(db, jobRequest(applicationId, 'count'))).jobId)
  for (const jobId of queued) await ended(db, applicationId, jobId)
  assert.equal(done.length, 40)
  assert.equal(new Set(done).size, 40)
  assert.ok(most <= 4, `${most} at a time`)
  assert.deepEqual(await db.query('select distinct attempt from job_logs'), [{ attempt: 1 }])
})

test('a worker that closes gives its job back, and the next one does it', LIMIT, async (t) => {
  const db = await openTestDatabase(t, { poolSize: 10 })
  const folder = await makeFolder(t)
  const { id: applicationId } = await makeApplication(db)
  const started = Promise.withResolvers<void>()
  const first = await openTestJobs({
    db,
    folder,
    work: {
      report: (_, { signal }) => {
        started.resolve()
        return pause(60_000, {}, { signal })
      },
    },
  })
  const { jobId } = await first.jobs.enqueue(db, jobRequest(applicationId, 'report', { what: 'valves' }))
  await started.promise
  await first[Symbol.asyncDispose]()
  const waiting = await getJob(db, applicationId, jobId)
  assert.deepEqual([waiting.status, waiting.attempt, waiting.lost_attempts], ['queued', 1, 0])
  const second = await openTestJobs({ db, folder, work: { report } })
  t.after(() => second[Symbol.asyncDispose]())
  const { status, attempt } = await ended(db, applicationId, jobId)
  assert.deepEqual([status, attempt], ['completed', 2])
})

test('a worker that drains takes nothing new, and lets what it has come to its end', LIMIT, async (t) => {
  const started = Promise.withResolvers<void>()
  const mayEnd = Promise.withResolvers<void>()
  const work: Record<string, JobWork> = {
    waits: async () => {
      started.resolve()
      await mayEnd.promise
      return {}
    },
  }
  const { db, applicationId, jobs, worker } = await setScene(t, { work, slots: 4 })
  const first = await jobs.enqueue(db, jobRequest(applicationId, 'waits'))
  await started.promise
  const draining = worker.drain(30_000)
  const second = await jobs.enqueue(db, jobRequest(applicationId, 'waits'))
  mayEnd.resolve()
  await draining
  assert.equal((await getJob(db, applicationId, first.jobId)).status, 'completed')
  assert.equal((await getJob(db, applicationId, second.jobId)).status, 'queued')
})

test('an attempt whose job was given to another one meanwhile changes nothing and leaves no file', LIMIT, async (t) => {
  const mayEnd = Promise.withResolvers<void>()
  const told: number[] = []
  const work: Record<string, JobWork> = {
    report: async (job, { folder }) => {
      if (job.attempt === 1) await mayEnd.promise
      const path = join(folder, 'data.csv')
      await writeFile(path, `by attempt ${job.attempt}`)
      return { files: [{ name: 'data.csv', path }] }
    },
  }
  const tell = async (_: Queryable, { attempt }: { attempt: number }) => void told.push(attempt)
  const { db, folder, applicationId, jobs, blobs, worker } = await setScene(t, { work, tell, slots: 2 })
  const { jobId } = await jobs.enqueue(db, jobRequest(applicationId, 'report'))
  await until(async () => (await getJob(db, applicationId, jobId)).status === 'inProgress')
  const { id } = await getJob(db, applicationId, jobId)
  const queue = await openQueue(db, { supervise: false, log: createLog('silent') })
  t.after(() => queue[Symbol.asyncDispose]())
  assert.equal(await giveBack(db, queue, { id, attempt: 1 }, { isLoss: true }), true)
  const row = await ended(db, applicationId, jobId)
  mayEnd.resolve()
  await until(() => worker.running === 0)
  assert.deepEqual(await getJob(db, applicationId, jobId), row)
  assert.deepEqual([row.attempt, told], [2, [2]])
  assert.equal(String(await blobs.read(row.files[0]?.key ?? '')), 'by attempt 2')
  assert.deepEqual(await readdir(join(folder, 'blobs/jobs', applicationId, id)), ['2'])
})

test(
  'the job of a worker that is killed is taken up and finished once; nothing of the dead is left',
  LIMIT,
  async (t) => {
    const scene = await setScene(t, { work: {} })
    await scene[Symbol.asyncDispose]()
    const { db, folder, applicationId, jobs } = scene
    const victim = await startWorker(t, { db, folder })
    const { jobId } = await jobs.enqueue(db, jobRequest(applicationId, 'report', { what: 'motors' }))
    const itsFolder = (await victim.says('started')).slice('started '.length)
    await access(join(itsFolder, 'half.csv'))
    await victim.kill()
    const second = await openTestJobs({ db, folder, work: { report } })
    t.after(() => second[Symbol.asyncDispose]())
    const row = await ended(db, applicationId, jobId)
    assert.deepEqual([row.status, row.attempt, row.lost_attempts], ['completed', 2, 1])
    assert.deepEqual(await db.one('select count(*)::int as items from fieldbook_queue.job'), { items: 0 })
  },
)

test('a job that takes three workers with it is given up', LIMIT, async (t) => {
  const scene = await setScene(t, { work: {} })
  const { db, folder, applicationId, jobs } = scene
  // This one judges the others and is kept from working itself.
  await scene.worker.drain(0)
  const { jobId } = await jobs.enqueue(db, jobRequest(applicationId, 'report'))
  for (let n = 1; n <= 3; n++) {
    const victim = await startWorker(t, { db, folder })
    await victim.says('started')
    await victim.kill()
    await until(async () => (await getJob(db, applicationId, jobId)).status !== 'inProgress')
  }
  const { status, error, attempt } = await getJob(db, applicationId, jobId)
  assert.deepEqual([status, attempt, error?.name], ['errored', 3, 'WorkerLost'])
})

async function startWorker(t: TestContext, { db, folder }: { db: Database & { connection: object }; folder: string }) {
  const options = JSON.stringify({ connection: db.connection, folder })
  const main = join(import.meta.dirname, '../support/jobs-main.ts')
  const child = spawn(process.execPath, [main, options], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    says: async (word: string): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error(`the worker ended before it said ${word}`)
        if (String(value).startsWith(word)) return String(value)
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
