/** From written endings to deliveries: every statement that ends an execution is heard, each ending is told once. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openEndings } from '../../server/executions/endings.ts'
import { releaseExecution, takeBack } from '../../server/executions/leases.ts'
import { MAX_ATTEMPTS } from '../../server/executions/lifecycle.ts'
import { requestExecution } from '../../server/executions/request.ts'
import { cancelExecution, endAll, recordEnd } from '../../server/executions/store.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import { createTell, type Tell } from '../../server/jobs/telling.ts'
import { makeClaim, makeNotebook, testLimits, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 60_000 }
const HOUR_MS = 3_600_000
const ASKED = { email: 'ann@example.com', callbackUrl: 'https://example.com/hook' }

async function setScene(t: TestContext) {
  const db = await openTestDatabase(t, { poolSize: 10 })
  const log = createLog('silent')
  const queue = await openQueue(db, { supervise: false, log })
  t.after(() => queue[Symbol.asyncDispose]())
  const made = await makeNotebook(db)
  const notebook = { ...made, jupyterFile: { name: 'a.ipynb', blobKey: 'missing.ipynb' } }
  const execute = (options: object = ASKED) => {
    const requester = { sourceType: 'user', sourceId: newId(), baseUrl: 'http://asked.test' } as const
    return requestExecution(db, notebook, options, requester, testLimits, new Date())
  }
  const reallyTell = createTell({ queue, log, mailLimit: { perHour: 1000, receivers: [] } })
  const open = (tell: Tell = reallyTell, retryMs = HOUR_MS) =>
    openEndings({
      db,
      log,
      tell,
      linkFile: (baseUrl, key, name) => `${baseUrl}/${key}/${name}`,
      linkDays: 7,
      baseUrl: 'http://fieldbook.test',
      retryMs,
    })
  const count = async (table: 'execution_endings' | 'deliveries') =>
    (await db.one<{ count: number }>(`select count(*)::int as count from ${table}`))?.count
  const told = () =>
    db.query<{ about_id: string; kind: string; body: string }>(
      `select about_id, kind, body from deliveries order by about_id, kind`,
    )
  return { db, notebook, execute, open, told, count, reallyTell }
}

test('a run that is given up after its workers died is told as WorkerLost', LIMIT, async (t) => {
  const { db, execute, open, told, count } = await setScene(t)
  const id = await execute()
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    assert.equal(await count('execution_endings'), 0)
    await takeBack(db, [await makeClaim(db)])
  }
  assert.equal(await count('execution_endings'), 1)
  await using _ = await open()
  await until(async () => (await told()).length === 2)
  const [callback, mail] = await told()
  assert.deepEqual([callback?.kind, callback?.about_id, mail?.kind, mail?.about_id], ['callback', id, 'mail', id])
  const { success, execution } = JSON.parse(callback?.body ?? '')
  assert.deepEqual([success, execution.status, execution.executionErrors[0].name], [false, 'errored', 'WorkerLost'])
  assert.match(mail?.body ?? '', /^WorkerLost: This was started 3 times/m)
  assert.match(mail?.body ?? '', new RegExp(`^Log: http://asked\\.test/applications/.*/executions/${id}$`, 'm'))
})

test('every statement that ends an execution writes its ending down, with whoever asked', LIMIT, async (t) => {
  const { db, notebook, execute, count } = await setScene(t)
  const ends: [string, (id: string) => Promise<unknown>][] = [
    ['completed', async () => recordEnd(db, await makeClaim(db), 'completed', [], {}, UNSEEN)],
    ['timeout', async () => recordEnd(db, await makeClaim(db), 'timeout', [], {}, UNSEEN)],
    ['canceled', (id) => cancelExecution(db, notebook.id, id)],
    [
      'canceled',
      async (id) => {
        const held = await makeClaim(db)
        await cancelExecution(db, notebook.id, id)
        await takeBack(db, [held])
      },
    ],
    [
      'canceled',
      async (id) => {
        const held = await makeClaim(db)
        await cancelExecution(db, notebook.id, id)
        await releaseExecution(db, held)
      },
    ],
    ['canceled', () => endAll(db, notebook.id)],
  ]
  for (const [status, end] of ends) {
    const id = await execute()
    await end(id)
    const written = await db.query<{ id: string; status: string; email: string }>(
      `delete from execution_endings
       returning execution->>'id' as id, execution->>'status' as status, execution->'tells'->>'email' as email`,
    )
    assert.deepEqual(written, [{ id, status, email: ASKED.email }])
    // Whoever asked for nothing costs nothing.
    await end(await execute({}))
    await end(await execute({ email: '', callbackUrl: '' }).catch(() => execute({})))
    assert.equal(await count('execution_endings'), 0)
  }
})

test('an ending is told by one of many, once, and stays when its teller fails', LIMIT, async (t) => {
  const { db, notebook, execute, open, told, count } = await setScene(t)
  const ids: string[] = []
  for (let n = 0; n < 40; n++) ids.push(await execute({ callbackUrl: ASKED.callbackUrl }))
  const failing = await open(async () => {
    throw new Error('a fault of the test')
  })
  for (const id of ids) await cancelExecution(db, notebook.id, id)
  await failing[Symbol.asyncDispose]()
  assert.deepEqual([await count('execution_endings'), await count('deliveries')], [40, 0])
  await using _1 = await open()
  await using _2 = await open()
  await using _3 = await open()
  await until(async () => (await count('execution_endings')) === 0)
  assert.deepEqual(
    (await told()).map(({ about_id }) => about_id),
    ids.toSorted(),
  )
})

test('one that can not be told holds up no others', LIMIT, async (t) => {
  const { db, notebook, execute, open, told, count } = await setScene(t)
  const [bad, good] = [await execute(), await execute({ callbackUrl: ASKED.callbackUrl })]
  await cancelExecution(db, notebook.id, bad)
  await db.query(`update execution_endings set execution = jsonb_set(execution, '{snapshot}', 'null')`)
  await using _ = await open()
  await cancelExecution(db, notebook.id, good)
  await until(async () => (await told()).length === 1)
  assert.deepEqual([(await told())[0]?.about_id, await count('execution_endings')], [good, 1])
})

test('an ending that meets a passing error is told by the same process when it is tried again', LIMIT, async (t) => {
  const { db, notebook, execute, open, told, count, reallyTell } = await setScene(t)
  const id = await execute()
  await cancelExecution(db, notebook.id, id)
  const codes: unknown[] = []
  const slowOnce: Tell = async (tx, message) => {
    if (codes.length === 0) {
      await tx.query('set local statement_timeout = 20')
      await tx.query('select pg_sleep(10)').catch((error: Error & { code?: unknown }) => {
        codes.push(error.code)
        throw error
      })
    }
    await reallyTell(tx, message)
  }
  await using _ = await open(slowOnce, 50)
  await until(async () => (await told()).length === 2)
  assert.deepEqual([codes, await count('execution_endings')], [['57014'], 0])
})

test('an ending whose transaction the database ended for others is told at once', LIMIT, async (t) => {
  const { db, notebook, execute, open, told, reallyTell } = await setScene(t)
  await cancelExecution(db, notebook.id, await execute())
  let tries = 0
  const deadlocked: Tell = async (tx, message) => {
    tries += 1
    if (tries === 1) await tx.query(`do $$ begin raise exception 'a deadlock' using errcode = '40P01'; end $$`)
    await reallyTell(tx, message)
  }
  await using _ = await open(deadlocked)
  await until(async () => (await told()).length === 2)
  assert.equal(tries, 2)
})

test(
  'of very many files a mail links to the results and some, a callback to more, and both to the log',
  LIMIT,
  async (t) => {
    const { db, notebook, execute, open, told } = await setScene(t)
    const few = await execute()
    await cancelExecution(db, notebook.id, few)
    const withFiles = (count: number) =>
      db.query(
        `update execution_endings set execution = jsonb_set(execution, '{output_info}', (
         select jsonb_object_agg(name, jsonb_build_object('key', 'k', 'size', 1, 'contentType', 'text/csv'))
         from (select 'd/' || n from generate_series(1, $1) as n union all select 'a longer name than others/result.log'
           union all values ('result.ipynb'), ('result.error.log')) as files (name)))`,
        [count],
      )
    await withFiles(19)
    {
      await using _ = await open()
      await until(async () => (await told()).length === 2)
    }
    const [callback, mail] = await told()
    const all = JSON.parse(callback?.body ?? '')
    assert.deepEqual([Object.keys(all.execution.outputInfo).length, 'outputsLeftOut' in all], [22, false])
    assert.doesNotMatch(mail?.body ?? '', /more/)
    assert.equal(mail?.body.match(/^http:.*\/k\//gm)?.length, 22)

    await db.query('delete from deliveries')
    const many = await execute()
    await cancelExecution(db, notebook.id, many)
    await withFiles(10_000)
    await using _ = await open()
    await until(async () => (await told()).length === 2)
    const [posted, mailed] = await told()
    const { execution, outputsLeftOut, logUrl } = JSON.parse(posted?.body ?? '')
    assert.equal(Object.keys(execution.outputInfo).length, 1002)
    assert.ok('result.ipynb' in execution.outputInfo && 'result.error.log' in execution.outputInfo)
    assert.equal(outputsLeftOut, 9001)
    assert.match(logUrl, new RegExp(`^http://asked\\.test/applications/.*/executions/${many}$`))
    assert.equal(mailed?.body.match(/^http:.*\/k\//gm)?.length, 22)
    assert.match(mailed?.body ?? '', /^result\.error\.log$/m)
    assert.ok(mailed?.body.includes(`\nand 9981 more: see the log\n${logUrl}\n`))
  },
)
