/** Result files that are asked for afterwards: what can't be made is not tried over and over, and nobody fills the queue. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { finishExecution } from '../../server/executions/finish.ts'
import { type RenderingRequest, renderedResult, renderResult } from '../../server/executions/rendering.ts'
import { cancelExecution } from '../../server/executions/store.ts'
import { type AppError, unavailable } from '../../server/ground/errors.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import { createJobs } from '../../server/jobs/jobs.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { openTestJobs } from '../support/jobs.ts'
import { makeEnding, makeExecution, makeFolder, makeNotebook } from '../support/make.ts'
import { image, openRenderer } from '../support/pages.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { ipynb } from '../support/steps.ts'

type Asked = Pick<RenderingRequest, 'applicationId' | 'notebookId' | 'executionId' | 'signal'>

const asked = (request: Asked, file: RenderingRequest['file'] = 'result.pdf'): RenderingRequest => ({
  ...request,
  file,
  requester: { type: 'user', id: newId() },
  baseUrl: 'http://here',
})

const jobsOf = async (db: Database) => (await db.query('select from job_logs')).length

/** Ended executions of one application, and a way to ask for their pages that waits for nothing; nobody makes them. */
async function withoutWorkers(t: TestContext, count: number) {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const queue = await openQueue(db, { supervise: false, log: createLog('silent') })
  t.after(() => queue[Symbol.asyncDispose]())
  const parts = { db, blobs: await openFsBlobs(await makeFolder(t)), jobs: createJobs(queue, 'http://here') }
  const notebook = await makeNotebook(db)
  const ids = await Promise.all(Array.from({ length: count }, () => makeExecution(db, notebook)))
  for (const id of ids) await cancelExecution(db, notebook.id, id)
  const { applicationId, id: notebookId } = notebook
  const ask = (executionId: string) =>
    renderedResult(parts, asked({ applicationId, notebookId, executionId, signal: AbortSignal.abort() }))
  return { db, ids, ask }
}

test('what can’t be made on this machine is a conflict with the reason, and not tried again for five minutes', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const folder = await makeFolder(t)
  const blobs = await openFsBlobs(join(folder, 'blobs'))
  const renderer = await openRenderer({ browser: () => Promise.reject(unavailable('There is none on this machine')) })
  const work = { renderResult: renderResult({ db, blobs, renderer, image: async () => image }) }
  await using worker = await openTestJobs({ db, folder, work })
  const notebook = await makeNotebook(db)
  const ending = await makeEnding(t, db, notebook, {})
  await finishExecution(db, { ...ending, blobs, results: new Map([['result.ipynb', Buffer.from(ipynb('1'))]]) })
  const { id: executionId } = ending.execution
  const request = { applicationId: notebook.applicationId, notebookId: notebook.id, executionId }
  const parts = { db, blobs, jobs: worker.jobs }
  const ask = (file?: RenderingRequest['file']) =>
    renderedResult(parts, asked({ ...request, signal: AbortSignal.timeout(20_000) }, file))
  const refused = { kind: 'conflict', message: 'result.pdf could not be made: There is none on this machine' }
  await assert.rejects(ask(), refused)
  await assert.rejects(ask(), refused)
  assert.equal(await jobsOf(db), 1)
  assert.equal((await ask('result.html')).contentType, 'text/html')
  await db.query(`update job_logs set completed_at = completed_at - interval '5 minutes'`)
  await assert.rejects(ask(), refused)
  assert.equal(await jobsOf(db), 3)
})

test('a failure that may pass is told with the time that is left, and queues nothing', async (t) => {
  const { db, ids, ask } = await withoutWorkers(t, 1)
  const [id = ''] = ids
  await assert.rejects(ask(id), { kind: 'unavailable', message: 'result.pdf is being made; ask for it again' })
  const error = JSON.stringify({ name: 'Unavailable', message: 'it took too long' })
  await db.query(`update job_logs set status = 'errored', error = $1, completed_at = now()`, [error])
  await assert.rejects(ask(id), ({ kind, message, retryAfterSeconds = 0 }: AppError) => {
    assert.deepEqual([kind, message], ['unavailable', 'it took too long'])
    return retryAfterSeconds > 280 && retryAfterSeconds <= 300
  })
  assert.equal(await jobsOf(db), 1)
})

test('an application has five of them under way, also when more are asked for at once', async (t) => {
  const { db, ids, ask } = await withoutWorkers(t, 8)
  const answers = await Promise.allSettled(ids.map(ask))
  const kinds = answers.map((answer) => answer.status === 'rejected' && (answer.reason as AppError).kind)
  assert.deepEqual(kinds.sort(), [...Array(3).fill('limited'), ...Array(5).fill('unavailable')])
  assert.equal(await jobsOf(db), 5)
  await db.query(`update job_logs set status = 'completed', completed_at = now()`)
  const again = await Promise.allSettled(ids.map(ask))
  assert.equal(again.filter((answer) => answer.status === 'rejected' && answer.reason.kind === 'limited').length, 3)
})
