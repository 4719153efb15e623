/** Executing with `wait`: the final log when it ends in time, and otherwise the answer of an execution nobody waits for. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { cancelExecution, listExecutions, recordEnd } from '../../server/executions/store.ts'
import { openDoor } from '../support/door.ts'
import { makeCells, makeClaim, UNSEEN } from '../support/make.ts'
import { until } from '../support/until.ts'

async function open(t: TestContext) {
  const door = await openDoor(t)
  const { db, app, application, tokens, base } = door
  const notebook = await makeCells(door, ['1'], { applicationId: application.id })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const token = await tokens.sign({ userId: application.ownerId, scope: ['all.User'] }, 0)
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
