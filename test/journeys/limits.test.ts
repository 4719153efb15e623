/** Limits of a notebook: set, refused, shown, and held by its executions; every ending by one names it. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { getExecution } from '../../contract/executions.ts'
import { getLimits, type NotebookLimits, putLimits } from '../../contract/limits.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official
let client: Client
let applicationId: string

const MB = 1024 ** 2

before(async () => {
  service = await startService({ env: { FIELDBOOK_RUN_MEMORY: '1GiB', FIELDBOOK_OUTPUT_SIZE: '100MiB' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

async function limited(limits: NotebookLimits, ...cells: string[]) {
  const notebook = await makeNotebook(losant, applicationId, {}, ...cells)
  const params = { applicationId, notebookId: notebook.id }
  await client.call(putLimits, { params, body: limits })
  const log = await runToEnd(losant, notebook)
  const execution = await client.call(getExecution, { params: { ...params, executionId: log.id } })
  assert.deepEqual({ ...execution.limits, ...limits }, execution.limits)
  // The official client is told the same in the two fields it knows.
  const short = execution.executionErrors.map(({ name, message }) => ({ name, message }))
  assert.deepEqual(log.executionErrors, short)
  const [cause] = execution.executionErrors
  return { status: log.status, name: cause?.name, cellNumber: cause?.cellNumber, cause, log }
}

test('limits are replaced whole, shown with what they come to, and refused beyond the installation’s', async () => {
  const { id: notebookId } = await makeNotebook(losant, applicationId, {})
  const params = { applicationId, notebookId }
  const none = await client.call(getLimits, { params })
  assert.deepEqual(none.limits, {})
  assert.deepEqual(none.effective, none.installation)
  assert.equal(none.installation.memoryBytes, 1024 * MB)
  const body = { memoryBytes: 512 * MB, cellSeconds: 30 }
  const set = await client.call(putLimits, { params, body })
  assert.deepEqual([set.limits, set.effective], [body, { ...none.installation, ...body }])
  assert.deepEqual(await client.call(getLimits, { params }), set)
  const refused: [object, RegExp][] = [
    [{ memoryBytes: 2048 * MB }, /^limits\.memoryBytes is 2147483648; it must be from 134217728 to 1073741824$/],
    [{ memory: 1 }, /^limits\.memory is not a known property/],
    [{ processes: 'many' }, /^limits\.processes must be a whole number, not a string$/],
  ]
  for (const [limits, message] of refused) {
    await assert.rejects(client.call(putLimits, { params, body: limits }), (error) => {
      assert.ok(error instanceof ApiFailure)
      assert.deepEqual([error.status, error.type], [400, 'Validation'])
      assert.match(error.message, message)
      return true
    })
  }
  assert.deepEqual(await client.call(getLimits, { params }), set)
  assert.deepEqual((await client.call(putLimits, { params, body: {} })).limits, {})
})

test('a cell that runs too long ends as timeout, named with the cell, and keeps what was printed', async () => {
  const ended = await limited({ cellSeconds: 0.5 }, 'print("quick")', 'while True: pass')
  assert.deepEqual([ended.status, ended.name, ended.cellNumber], ['timeout', 'CellTimeout', 2])
  assert.equal(await open(ended.log.outputInfo, 'result.log'), 'quick\n')
})

test('a kernel without a sign of life is silent, however long a talking cell may run', async () => {
  const talking = 'import time\nfor _ in range(15): print(".", end="", flush=True); time.sleep(0.1)'
  const ended = await limited({ silenceSeconds: 1 }, talking, 'time.sleep(600)')
  assert.deepEqual([ended.status, ended.name, ended.cellNumber], ['timeout', 'Silent', 2])
})

test('a notebook that runs too long in all ends as RunTimeout', async () => {
  const ended = await limited({ runMinutes: 0.02 }, 'import time\nwhile True: time.sleep(0.1)')
  assert.deepEqual([ended.status, ended.name], ['timeout', 'RunTimeout'])
})

test('more memory than it may have is OutOfMemory', async () => {
  const ended = await limited(
    { memoryBytes: 300 * MB },
    'b = bytearray(600_000_000)\nfor i in range(0, len(b), 4096): b[i] = 1',
  )
  assert.deepEqual([ended.status, ended.name, ended.cellNumber], ['errored', 'OutOfMemory', 1])
})

test('a full OUTPUT_DIR is DiskQuota, with the traceback', async () => {
  const write =
    'import os\nf = open(os.environ["OUTPUT_DIR"] + "/a", "wb")\nfor _ in range(100): f.write(b"x" * 1_000_000); f.flush()'
  const ended = await limited({ outputBytes: 10 * MB }, write)
  assert.deepEqual([ended.status, ended.name, ended.cellNumber], ['errored', 'DiskQuota', 1])
  assert.equal(ended.cause?.ename, 'OSError')
  assert.match(ended.cause?.traceback?.join('') ?? '', /No space left|File too large/)
})

test('a cell’s output is cut in the middle to what is kept of it', async () => {
  const ended = await limited({ cellOutputBytes: 100_000 }, 'for i in range(100_000): print(i)')
  assert.equal(ended.status, 'completed')
  const result = await open(ended.log.outputInfo, 'result.ipynb')
  assert.ok(result.length < 200_000, `${result.length}`)
  assert.match(result, /0\\n1\\n2\\n/)
  assert.match(result, /99999\\n/)
})
