/** Holding executions and losing them: leases, numbers of attempts, and what comes back from workers that are gone. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { claimExecution } from '../../server/executions/claim.ts'
import { heldElsewhere, releaseExecution, renewLeases, takeBack } from '../../server/executions/leases.ts'
import { MAX_ATTEMPTS } from '../../server/executions/lifecycle.ts'
import type { Execution } from '../../server/executions/record.ts'
import { cancelExecution, getExecution, recordEnd, recordLive } from '../../server/executions/store.ts'
import { readStats } from '../../server/executions/usage.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeExecution, makeNotebook, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const LEASE_MS = 60_000
const RAN_ON = {
  image: { version: 'v4', source: 'index', pythonVersion: '3.11.2', packages: {} },
  sandbox: { level: 3, name: 'bwrap' },
} as const

/** A claim that has to succeed. */
async function claim(db: Database): Promise<Execution> {
  const execution = await claimExecution(db, 'w', LEASE_MS)
  assert.ok(execution, 'nothing waits')
  return execution
}

async function makeWaiting(db: Database): Promise<{ notebookId: string; id: string }> {
  const notebook = await makeNotebook(db)
  return { notebookId: notebook.id, id: await makeExecution(db, notebook) }
}

const attemptOf = (execution: Execution) => [execution.status, execution.attempt]

test('a claim counts the attempt and forgets where the last one was', async (t) => {
  const db = await openTestDatabase(t)
  await makeWaiting(db)
  const first = await claim(db)
  const staged = { 'a.csv': { key: 'of the first attempt', size: 1, contentType: 'text/csv' } }
  const times = { inputsCompletedAt: new Date(), notebookCompletedAt: new Date() }
  await recordLive(db, first, { phase: 'outputs', cell: 3, cells: 9, inputInfo: staged, ranOn: RAN_ON, ...times }, [])
  assert.deepEqual(await takeBack(db, [first]), [first.id])
  const second = await claim(db)
  assert.equal(second.attempt, 2)
  assert.deepEqual(second.progress, { phase: 'inputs', cell: 0, cells: 0 })
  assert.deepEqual([second.inputsCompletedAt, second.notebookCompletedAt], [undefined, undefined])
  assert.deepEqual(second.inputInfo, {})
  assert.ok(second.startedAt && second.startedAt >= second.queuedAt)
})

test('a lost run that waits again has no times, and so no minutes', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  for (const giveUp of [(held: Execution) => takeBack(db, [held]), (held: Execution) => releaseExecution(db, held)]) {
    const held = await claim(db)
    await recordLive(db, held, { phase: 'notebook', cell: 1, cells: 2, inputsCompletedAt: new Date() }, [])
    await giveUp(held)
    const { startedAt, inputsCompletedAt, progress } = await getExecution(db, notebookId, id)
    assert.deepEqual([startedAt, inputsCompletedAt, progress.phase], [undefined, undefined, 'queued'])
    assert.equal((await readStats(db, [notebookId], new Date()))(notebookId).minutesThisPeriod, 0)
  }
})

test('writes of an attempt that was taken back change nothing', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  const lost = await claim(db)
  await takeBack(db, [lost])
  const current = await claim(db)
  const before = await getExecution(db, notebookId, id)
  const inputInfo = { 'a.csv': { key: 'k', size: 1, contentType: 'text/csv' } }
  const times = { inputsCompletedAt: new Date(), notebookCompletedAt: new Date() }
  await recordLive(db, lost, { phase: 'outputs', cell: 7, cells: 7, inputInfo, ranOn: RAN_ON, ...times }, [])
  assert.equal(await recordEnd(db, lost, 'completed', [], {}, UNSEEN), false)
  await releaseExecution(db, lost)
  assert.deepEqual(await takeBack(db, [lost]), [])
  assert.deepEqual(await getExecution(db, notebookId, id), before)
  assert.deepEqual(await renewLeases(db, 'w', LEASE_MS), [{ id, attempt: current.attempt, status: 'inProgress' }])
})

test('what a run has told stays until it tells more, and its end tells all of it again', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  const held = await claim(db)
  const inputInfo = { 'a.csv': { key: 'k', size: 1, contentType: 'text/csv' } }
  const inputsCompletedAt = new Date(Date.now() - 5000)
  const notebook = { phase: 'notebook', inputInfo, ranOn: RAN_ON, inputsCompletedAt } as const
  await recordLive(db, held, { cell: 1, cells: 2, ...notebook }, [])
  await recordLive(db, held, { cell: 2, cells: 2 }, [])
  const running = await getExecution(db, notebookId, id)
  assert.deepEqual(running.progress, { phase: 'notebook', cell: 2, cells: 2 })
  assert.deepEqual(
    [running.inputInfo, running.ranOn, running.inputsCompletedAt],
    [inputInfo, RAN_ON, inputsCompletedAt],
  )
  // As if a crash of the database had forgotten both writes.
  await db.query(`update executions set input_info = '{}', ran_on = null, inputs_completed_at = null where id = $1`, [
    id,
  ])
  const notebookCompletedAt = new Date()
  const seen = { ...UNSEEN, ...notebook, cell: 2, cells: 2, notebookCompletedAt }
  assert.equal(await recordEnd(db, held, 'completed', [], {}, seen), true)
  const ended = await getExecution(db, notebookId, id)
  assert.deepEqual(ended.progress, { phase: 'finished', cell: 2, cells: 2 })
  assert.deepEqual([ended.inputInfo, ended.ranOn], [inputInfo, RAN_ON])
  assert.deepEqual([ended.inputsCompletedAt, ended.notebookCompletedAt], [inputsCompletedAt, notebookCompletedAt])
})

test('an end that expects another status than there is writes nothing', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  const held = await claim(db)
  await cancelExecution(db, notebookId, id)
  assert.equal(await recordEnd(db, held, 'completed', [], {}, UNSEEN, ['inProgress']), false)
  assert.equal((await getExecution(db, notebookId, id)).status, 'canceling')
  assert.equal(await recordEnd(db, held, 'canceled', [], {}, UNSEEN), true)
})

test('a number of an attempt is never used again, also after a run was given back', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  const given = await claim(db)
  await releaseExecution(db, given)
  const again = await claim(db)
  assert.deepEqual([given.attempt, again.attempt], [1, 2])
  await recordLive(db, given, { cell: 1, cells: 1 }, [])
  assert.equal((await getExecution(db, notebookId, id)).progress.phase, 'inputs')
})

test('a worker renews all it holds at once and hears of cancellations; others see the lease change', async (t) => {
  const db = await openTestDatabase(t)
  const [first, second] = [await makeWaiting(db), await makeWaiting(db)]
  await Promise.all([claim(db), claim(db)])
  const leases = async () => new Map((await heldElsewhere(db, 'another')).map(({ id, lease }) => [id, lease]))
  const before = await leases()
  await cancelExecution(db, second.notebookId, second.id)
  const held = new Map((await renewLeases(db, 'w', LEASE_MS)).map(({ id, status }) => [id, status]))
  assert.deepEqual([held.get(first.id), held.get(second.id), held.size], ['inProgress', 'canceling', 2])
  const after = await leases()
  assert.ok([first.id, second.id].every((id) => after.get(id) !== before.get(id)))
  assert.deepEqual(await heldElsewhere(db, 'w'), [])
})

test('a run whose lease was renewed since it was seen stays with its worker', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  await claim(db)
  const seen = await heldElsewhere(db, 'another')
  await renewLeases(db, 'w', LEASE_MS)
  assert.deepEqual(await takeBack(db, seen), [])
  assert.deepEqual(attemptOf(await getExecution(db, notebookId, id)), ['inProgress', 1])
  assert.deepEqual(await takeBack(db, await heldElsewhere(db, 'another')), [id])
})

test('a run whose workers die is tried three times and then errored', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt += 1) {
    const held = await claim(db)
    assert.equal(held.attempt, attempt)
    assert.deepEqual(await takeBack(db, [held]), [id])
    assert.equal((await getExecution(db, notebookId, id)).status, 'queued')
  }
  assert.deepEqual(await takeBack(db, [await claim(db)], 'no space left'), [id])
  const ended = await getExecution(db, notebookId, id)
  assert.deepEqual([ended.status, ended.errors.map(({ name }) => name)], ['errored', ['WorkerLost']])
  assert.match(ended.errors[0]?.message ?? '', /3 times.*no space left/)
  assert.equal(ended.progress.phase, 'finished')
  assert.ok(ended.outputsCompletedAt)
  assert.deepEqual(await takeBack(db, [ended]), [])
  assert.equal(await claimExecution(db, 'w', LEASE_MS), undefined)
})

test('what was to be canceled when its worker died is canceled, whatever the attempt, and without an error', async (t) => {
  const db = await openTestDatabase(t)
  for (const lostBefore of [0, MAX_ATTEMPTS - 1]) {
    const { notebookId, id } = await makeWaiting(db)
    const held = await claim(db)
    await db.query('update executions set lost_attempts = $2 where id = $1', [id, lostBefore])
    await cancelExecution(db, notebookId, id)
    assert.deepEqual(await takeBack(db, [held]), [id])
    const ended = await getExecution(db, notebookId, id)
    assert.deepEqual([ended.status, ended.errors, ended.progress.phase], ['canceled', [], 'finished'])
    assert.ok(ended.outputsCompletedAt)
  }
})

test('a run given back waits again, and that counts as no loss however often it happens', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  for (let time = 0; time <= MAX_ATTEMPTS; time += 1) {
    await releaseExecution(db, await claim(db))
    assert.equal((await getExecution(db, notebookId, id)).status, 'queued')
  }
  await takeBack(db, [await claim(db)])
  assert.equal((await getExecution(db, notebookId, id)).status, 'queued')
  const held = await claim(db)
  await cancelExecution(db, notebookId, id)
  await releaseExecution(db, held)
  const ended = await getExecution(db, notebookId, id)
  assert.deepEqual([ended.status, ended.progress.phase], ['canceled', 'finished'])
  assert.ok(ended.outputsCompletedAt)
})

test('the database itself refuses a second ending', async (t) => {
  const db = await openTestDatabase(t)
  const { notebookId, id } = await makeWaiting(db)
  await recordEnd(db, await claim(db), 'completed', [], {}, UNSEEN)
  for (const status of ['errored', 'queued', 'inProgress', 'canceling']) {
    await assert.rejects(db.query('update executions set status = $1', [status]), /has ended as completed/)
  }
  await db.query(`update executions set status = 'completed'`)
  assert.equal((await getExecution(db, notebookId, id)).status, 'completed')
})
