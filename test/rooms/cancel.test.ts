/** Canceling in every phase, again and again, and in the very moment a run ends: one final status, and no half outputs. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { NotebookOutput } from '../../contract/notebook-files.ts'
import { listFiles } from '../../server/catalog/files/find.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { finishExecution } from '../../server/executions/finish.ts'
import type { Execution } from '../../server/executions/record.ts'
import { type RunParts, runExecution } from '../../server/executions/run.ts'
import { cancellation } from '../../server/executions/stop.ts'
import { cancelExecution, getExecution } from '../../server/executions/store.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import {
  column,
  makeCells,
  makeClaim,
  makeDevice,
  makeEnding,
  makeExecution,
  makeNotebook,
  makeRunParts,
  makeTable,
} from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until, untilBlocked } from '../support/until.ts'

const WRITE = 'import os; open(os.environ["OUTPUT_DIR"] + "/a.txt", "w").write("done")'
const WRITTEN = { outputType: 'file', fileName: 'a.txt', destinationFileNameTemplate: 'a.txt' } as const
/** Swallows every interrupt. */
const STUBBORN = `print("stubborn", flush=True)
import threading
while True:
    try: threading.Event().wait()
    except KeyboardInterrupt: print("no", flush=True)`

/** Cancels as the door does, and as the worker hears of it. */
async function cancel(db: Database, { notebookId, id }: Execution, stop: AbortController) {
  await cancelExecution(db, notebookId, id)
  stop.abort(cancellation())
}

const read = (db: Database, { notebookId, id }: Execution) => getExecution(db, notebookId, id)

async function claimed(parts: RunParts, cells: string[], outputs: NotebookOutput[], applicationId?: string) {
  const notebook = await makeCells(parts, cells, { outputs, ...(applicationId ? { applicationId } : {}) })
  await makeExecution(parts.db, notebook)
  return makeClaim(parts.db)
}

async function assertCanceled(db: Database, execution: Execution) {
  const { status, errors } = await read(db, execution)
  assert.deepEqual([status, errors.map(({ name }) => name)], ['canceled', ['Canceled']])
  assert.deepEqual((await listFiles(db, { applicationId: execution.applicationId, private: false }, {})).items, [])
  await assert.rejects(cancelExecution(db, execution.notebookId, execution.id), { kind: 'notFound' })
}

test('while inputs are staged: the run ends although its input waits', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const { applicationId, id: deviceId } = await makeDevice(db, {
    attributes: [{ name: 'a', dataType: 'number' }],
  })
  const input = { inputType: 'deviceData' as const, fileName: 'a.csv', deviceIds: [deviceId], start: -1000, end: 0 }
  const notebook = await makeCells(parts, ['1'], { applicationId, inputs: [input], outputs: [WRITTEN] })
  await makeExecution(db, notebook)
  const execution = await makeClaim(db)
  const stop = new AbortController()
  await db.transaction(async (tx) => {
    await tx.query('lock table hot_states in access exclusive mode')
    const running = runExecution(execution, parts, stop)
    await untilBlocked(db)
    await cancel(db, execution, stop)
    await running
  })
  await assertCanceled(db, execution)
})

test('in a cell that ignores interrupts: what it printed is kept, and canceling again changes nothing', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const execution = await claimed(parts, [STUBBORN], [WRITTEN])
  const stop = new AbortController()
  const running = runExecution(execution, parts, stop)
  await until(async () => (await read(db, execution)).progress.cell === 1)
  for (let time = 0; time < 3; time += 1) await cancel(db, execution, stop)
  await running
  await assertCanceled(db, execution)
  const { outputInfo } = await read(db, execution)
  const key = outputInfo['result.log']?.key
  assert.ok(key && String(await parts.blobs.read(key)).startsWith('stubborn\n'))
})

test('while outputs are stored: it does not wait for them, and none of them stays', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const { applicationId, id: dataTableId } = await makeTable(db, [column('name')])
  const cell = `${WRITE}; open(os.environ["OUTPUT_DIR"] + "/rows.csv", "w").write("name\\nx\\n")`
  const outputs: NotebookOutput[] = [WRITTEN, { outputType: 'dataTable', fileName: 'rows.csv', dataTableId }]
  const execution = await claimed(parts, [cell], outputs, applicationId)
  const stop = new AbortController()
  let running: Promise<void> = Promise.resolve()
  await db.transaction(async (tx) => {
    await tx.query('select from data_tables where id = $1 for update', [dataTableId])
    running = runExecution(execution, parts, stop)
    await untilBlocked(db)
    await cancel(db, execution, stop)
    assert.equal((await read(db, execution)).status, 'canceling')
    await cancel(db, execution, stop)
  })
  await running
  await assertCanceled(db, execution)
  assert.equal((await listRows(db, applicationId, dataTableId, {})).totalCount, 0)
  const { outputInfo } = await read(db, execution)
  assert.deepEqual(Object.keys(outputInfo).sort(), ['result.error.log', 'result.ipynb', 'result.log'])
})

test('in the moment a run ends, one of the two wins, and everything agrees with it', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const { applicationId, id: dataTableId } = await makeTable(db, [column('name')])
  const outputs: NotebookOutput[] = [WRITTEN, { outputType: 'dataTable', fileName: 'rows.csv', dataTableId }]
  const endings = { completed: 0, canceled: 0 }
  // As many round trips as the end takes, found by who wins: from then on the two meet.
  let steps = 20
  for (let round = 0; round < 80; round += 1) {
    const notebook = await makeNotebook(db, { applicationId, outputs })
    const ending = await makeEnding(t, db, notebook, { 'a.txt': 'text', 'rows.csv': 'name\nx\n' })
    const { execution } = ending
    const canceled = new AbortController()
    const before = (await listRows(db, applicationId, dataTableId, {})).totalCount
    const canceling = async () => {
      for (let step = 0; step < steps; step += 1) await db.query('select 1')
      await cancelExecution(db, execution.notebookId, execution.id)
      canceled.abort(cancellation())
    }
    const [finished, asked] = await Promise.allSettled([
      finishExecution(db, { ...ending, canceled: canceled.signal }),
      canceling(),
    ])
    assert.ok(finished.status === 'fulfilled', String(finished.status === 'rejected' && finished.reason))
    const status = asked.status === 'fulfilled' ? 'canceled' : 'completed'
    assert.equal(finished.value, status)
    const { status: stored, outputInfo } = await read(db, execution)
    assert.equal(stored, status)
    assert.equal('rows.csv' in outputInfo, status === 'completed')
    const rows = (await listRows(db, applicationId, dataTableId, {})).totalCount - before
    assert.equal(rows, status === 'completed' ? 1 : 0)
    endings[status] += 1
    steps = Math.max(0, steps + (status === 'canceled' ? 3 : -2))
  }
  t.diagnostic(JSON.stringify(endings))
  assert.ok(endings.completed > 0 && endings.canceled > 0, JSON.stringify(endings))
})
