/** Executing with `wait`: the final log when it ends in time, and otherwise the answer of an execution nobody waits for. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { cancelExecution, getExecution, listExecutions, recordEnd } from '../../server/executions/store.ts'
import { openWatch } from '../../server/executions/watch.ts'
import { createLog } from '../../server/ground/log.ts'
import { waitForEnd } from '../../server/http/waiting.ts'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { openDoor } from '../support/door.ts'
import { makeCells, makeClaim, makeExecution, makeNotebook, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const NEVER = new AbortController().signal
const WAIT_MS = 30_000

async function open(t: TestContext) {
  const door = await openDoor(t)
  const { db, app, application, tokens, base } = door
  const notebook = await makeCells(door, ['1'], { applicationId: application.id })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const token = await tokens.sign({ kind: 'user', userId: application.ownerId, scope: ['all.User'] }, 0)
  const execute = async (wait: string, signal?: AbortSignal) => {
    const response = await fetch(`${url}${base}/notebooks/${notebook.id}/execute?wait=${wait}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{}',
      ...(signal ? { signal } : {}),
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  const queued = () => listExecutions(db, notebook.id, 10, undefined)
  /** Resolves when there is an execution, and a request waits for its end. */
  const untilWaiting = () => until(async () => door.watch.watching === 1 && (await queued()).length === 1)
  return { ...door, notebook, execute, queued, untilWaiting }
}

test('the answer to wait is the final log, in the shape of the answer without it', async (t) => {
  const { db, execute, untilWaiting, watch } = await open(t)
  const answer = execute('60')
  await untilWaiting()
  const execution = await makeClaim(db)
  await recordEnd(db, execution, 'errored', [{ name: 'CellError', message: 'm' }], {}, UNSEEN)
  const { status, body } = await answer
  assert.equal(status, 200)
  assert.deepEqual(
    [body.success, body.executionId, body.id, body.status, body.executionErrors],
    [true, execution.id, execution.id, 'errored', [{ name: 'CellError', message: 'm' }]],
  )
  assert.ok(body.outputsCompletedAt)
  assert.equal(watch.watching, 0)
})

test('an end that no worker writes is waited for as well', async (t) => {
  const { db, notebook, execute, queued, untilWaiting } = await open(t)
  const answer = execute('60')
  await untilWaiting()
  await cancelExecution(db, notebook.id, (await queued())[0]?.id ?? '')
  assert.equal((await answer).body.status, 'canceled')
})

test('when the time is over, the service drains or the notebook goes, the answer is the one without wait', async (t) => {
  const { db, notebook, draining, execute, queued, untilWaiting } = await open(t)
  const late = await execute('0.05')
  const [execution] = await queued()
  assert.deepEqual(late, { status: 200, body: { success: true, executionId: execution?.id } })
  await db.query('delete from executions')
  const drained = execute('60')
  await untilWaiting()
  draining.abort()
  const [second] = await queued()
  assert.deepEqual((await drained).body, { success: true, executionId: second?.id })
  assert.equal((await execute('60')).status, 503)
  assert.equal(notebook.id, second?.notebookId)
})

test('a notebook that is deleted while its execution is waited for ends the wait', async (t) => {
  const { db, notebook, execute, queued, untilWaiting } = await open(t)
  const answer = execute('60')
  await untilWaiting()
  const [execution] = await queued()
  await db.query('delete from notebooks where id = $1', [notebook.id])
  assert.deepEqual((await answer).body, { success: true, executionId: execution?.id })
})

test('a client that goes away leaves nothing behind that waits', async (t) => {
  const { watch, execute, queued, untilWaiting } = await open(t)
  const gone = new AbortController()
  const answer = execute('60', gone.signal)
  await untilWaiting()
  gone.abort()
  await assert.rejects(answer, { name: 'AbortError' })
  await until(() => watch.watching === 0)
  assert.equal((await queued())[0]?.status, 'queued', 'the execution is not canceled by it')
})

test('a wait that is none, or too long, is refused before anything is queued', async (t) => {
  const { execute, queued } = await open(t)
  for (const wait of ['240.1', '-1', 'long', 'Infinity']) {
    const { status, body } = await execute(wait)
    assert.deepEqual([status, body.message], [400, 'wait must be a number of seconds from 0 to 240'])
  }
  assert.deepEqual(await queued(), [])
  assert.equal((await execute('')).status, 200)
})

test('a wait whose statements are ended by the database is over, and no failure', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db)
  const id = await makeExecution(db, notebook)
  await cancelExecution(db, notebook.id, id)
  const log = createLog('silent')
  await using watch = await openWatch(db)
  const read = () => getExecution(db, notebook.id, id)
  const waiting = { watch, draining: NEVER, log, read }
  assert.equal((await waitForEnd(waiting, id, WAIT_MS, NEVER))?.status, 'canceled')

  // Somebody holds the table, and statements here may take 50 ms.
  const { connection } = db
  await using hurried = await openDatabase({ connection }, { poolSize: 2, statementTimeoutMs: 50 })
  await using hurriedWatch = await openWatch(hurried)
  await db.transaction(async (tx) => {
    await tx.query('lock table executions in access exclusive mode')
    const readInVain = () => getExecution(hurried, notebook.id, id)
    await assert.rejects(readInVain(), { code: '57014' })
    await assert.rejects(hurriedWatch.untilEnd(id, NEVER), { code: '57014' })
    const inVain = { ...waiting, watch: hurriedWatch, read: readInVain }
    assert.equal(await waitForEnd(inVain, id, WAIT_MS, NEVER), undefined)
  })
})
