/** The story of a run where nothing goes as planned: a failing input, a full stop during outputs, ends that come early. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import test from 'node:test'
import type { DeviceDataInput } from '../../contract/notebook-files.ts'
import { type RunParts, runExecution } from '../../server/executions/run.ts'
import { cancellation, GivenUp } from '../../server/executions/stop.ts'
import { cancelExecution, getExecution } from '../../server/executions/store.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeCells, makeClaim, makeExecution, makeNotebook, makeRunParts } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const FOR_EVER = 'import threading; threading.Event().wait()'
const input = (fileName: string, rest: Partial<DeviceDataInput> = {}): DeviceDataInput => ({
  inputType: 'deviceData',
  fileName,
  start: -1000,
  end: 0,
  ...rest,
})

/** Queues and claims an execution of these cells. */
async function claimed(parts: RunParts, cells: string[], inputs: DeviceDataInput[] = [], minutes = 60) {
  const notebook = await makeCells(parts, cells, { inputs })
  await makeExecution(parts.db, notebook, minutes)
  return makeClaim(parts.db)
}

const ended = async (db: Database, { notebookId, id }: { notebookId: string; id: string }) => {
  const execution = await getExecution(db, notebookId, id)
  return { ...execution, names: execution.errors.map(({ name }) => name), kept: Object.keys(execution.outputInfo) }
}

test('a failing input ends the run before any cell, and the input that worked is kept for the diagnosis', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const execution = await claimed(parts, ['1'], [input('good.csv'), input('bad.csv', { deviceIds: ['{{ctx.none}}'] })])
  await runExecution(execution, parts, new AbortController())
  const { status, names, errors, inputInfo, kept, ...times } = await ended(db, execution)
  assert.deepEqual([status, names, kept.sort()], ['errored', ['InputFailed'], ['result.error.log', 'result.log']])
  assert.match(errors[0]?.message ?? '', /^Input "bad.csv" \(deviceData\): deviceIds: "\{\{ctx.none\}\}" renders to ""/)
  assert.deepEqual(Object.keys(inputInfo), ['good.csv'])
  assert.deepEqual([times.inputsCompletedAt, times.notebookCompletedAt], [undefined, undefined])
})

test('an input whose copy cannot be kept is told as failed, with the results of the cells that read it', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const { blobs } = parts
  const full: typeof blobs = {
    ...blobs,
    putFile: async (key, file) => {
      if (key.endsWith('/inputs/1')) throw new Error('the disk is full')
      return blobs.putFile(key, file)
    },
  }
  const cells = [`import os\nprint(sorted(os.listdir(os.environ['INPUT_DIR'])))`]
  const execution = await claimed(parts, cells, [input('a.csv'), input('b.csv')])
  await runExecution(execution, { ...parts, blobs: full }, new AbortController())
  const { status, names, errors, inputInfo, outputInfo } = await ended(db, execution)
  assert.deepEqual([status, names, Object.keys(inputInfo)], ['errored', ['InputFailed'], ['a.csv']])
  assert.equal(errors[0]?.message, 'Input "b.csv" (deviceData): the disk is full')
  assert.equal(String(await blobs.read(outputInfo['result.log']?.key ?? '')), "['a.csv', 'b.csv']\n")
})

test('two inputs whose names render to the same are refused, as is a name that is none', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  for (const [name, reason] of [
    ['{{lower "A.CSV"}}', /is taken by another input/],
    ['{{lower "../A"}}', /renders to "\.\.\/a"/],
    ['{{lower "CONTEXT.JSON"}}', /is taken/],
    ['{{ctx.none}}', /renders to ""/],
  ] as const) {
    const execution = await claimed(parts, ['1'], [input('a.csv'), input(name)])
    await runExecution(execution, parts, new AbortController())
    const { status, errors } = await ended(db, execution)
    assert.equal(status, 'errored')
    assert.match(errors[0]?.message ?? '', reason)
  }
})

test('an execution whose notebook file is gone, or has no image, says so', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  await makeExecution(db, await makeNotebook(db))
  const withoutFile = await makeClaim(db)
  await runExecution(withoutFile, parts, new AbortController())
  const withoutImage = await claimed(parts, ['1'])
  const image = () => Promise.reject(new Error('run "npm run setup"'))
  await runExecution(withoutImage, { ...parts, image }, new AbortController())
  for (const [execution, name] of [
    [withoutFile, 'NotebookUnreadable'],
    [withoutImage, 'ImageMissing'],
  ] as const) {
    const { status, names } = await ended(db, execution)
    assert.deepEqual([status, names], ['errored', [name]])
  }
  assert.equal((await ended(db, withoutImage)).errors[0]?.message, 'run "npm run setup"')
})

test('the time limit ends the notebook, whose result is kept as far as it got', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const execution = await claimed(parts, ['print("before", flush=True)', FOR_EVER], [], 0.5 / 60)
  await runExecution(execution, parts, new AbortController())
  const { status, names, kept } = await ended(db, execution)
  assert.deepEqual([status, names], ['timeout', ['RunTimeout']])
  assert.ok(kept.includes('result.ipynb'))
})

test('whatever stops a run first decides how it ends', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const canceled = await claimed(parts, [FOR_EVER])
  await cancelExecution(db, canceled.notebookId, canceled.id)
  const stop = new AbortController()
  stop.abort(cancellation())
  stop.abort(new GivenUp('too late'))
  await runExecution(canceled, parts, stop)
  assert.deepEqual([(await ended(db, canceled)).status, (await ended(db, canceled)).names], ['canceled', ['Canceled']])

  const givenUp = await claimed(parts, [FOR_EVER])
  const closing = new AbortController()
  closing.abort(new GivenUp('the worker is closing'))
  await assert.rejects(runExecution(givenUp, parts, closing), GivenUp)
  assert.equal((await ended(db, givenUp)).status, 'inProgress')
})

test('no working folder is left, however the run ended', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeRunParts(t, db)
  const closing = new AbortController()
  closing.abort(new GivenUp('the worker is closing'))
  // What is shorter stays in memory.
  const long = `print('x' * 100_000)`
  const printing = await claimed(parts, [long])
  await runExecution(printing, parts, new AbortController())
  const { outputInfo } = await ended(db, printing)
  assert.equal(outputInfo['result.log']?.size, 100_001)
  assert.ok((outputInfo['result.ipynb']?.size ?? 0) > 100_000)
  await runExecution(await claimed(parts, [long, '1 / 0']), parts, new AbortController())
  await assert.rejects(runExecution(await claimed(parts, ['1']), parts, closing), GivenUp)
  assert.deepEqual(await readdir(parts.workRoot), [])
})
