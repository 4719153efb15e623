/** Limits of applications: set and shown, and what clients are told when one is reached. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { cancelExecution, executeNotebook } from '../../contract/executions.ts'
import { type ApplicationLimits, getApplicationLimits, putApplicationLimits, putLimits } from '../../contract/limits.ts'
import { createNotebook } from '../../contract/notebooks.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { ipynb, makeApplication, makeNotebook, runToEnd, untilStatus } from '../support/steps.ts'

let service: RunningService
let losant: Official
let client: Client

const SETTINGS = {
  FIELDBOOK_SLOTS: '3',
  FIELDBOOK_APPLICATION_NOTEBOOKS: '4',
  FIELDBOOK_APPLICATION_QUEUE: '50',
  FIELDBOOK_APPLICATION_MINUTES: '930',
}

before(async () => {
  service = await startService({ env: SETTINGS })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

/** An application with limits of its own. */
async function limited(limits: ApplicationLimits): Promise<string> {
  const { id: applicationId } = await makeApplication(losant)
  const reply = await client.call(putApplicationLimits, { params: { applicationId }, body: limits })
  assert.deepEqual(reply.limits, limits)
  return applicationId
}

/** What our own client tells of a refusal. */
async function failure(call: Promise<unknown>): Promise<ApiFailure> {
  const error = await call.then(
    () => new Error('the call went through'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof ApiFailure) return error
  throw error
}

const FOREVER = 'import time\nwhile True: time.sleep(0.1)'

test('limits are shown with what is used of them, replaced whole, and never higher than the installation’s', async () => {
  const applicationId = await limited({ notebooks: 2, memoryBytes: 2 ** 29 })
  await makeNotebook(losant, applicationId, {})
  const params = { applicationId }
  const told = await client.call(getApplicationLimits, { params })
  assert.deepEqual(
    [told.installation.notebooks, told.effective.notebooks, told.effective.minutesPerMonth, told.usage.notebooks],
    [4, 2, 930, 1],
  )
  assert.deepEqual([told.installation.total.notebooks, told.effective.memoryBytes], [0, 2 ** 29])
  const refused: [object, RegExp][] = [
    [{ notebooks: 5 }, /^limits\.notebooks is 5; it must be from 1 to 4$/],
    [{ minutesPerMonth: 0 }, /^limits\.minutesPerMonth is 0; it must be from 1 to 930$/],
    [{ parallelExecutions: 0 }, /^limits\.parallelExecutions is 0; it must be at least 1$/],
    [{ parallelExecutions: 3_000_000_000 }, /^limits\.parallelExecutions .*1000000000/],
    [{ queuedExecutions: 3_000_000_000 }, /^limits\.queuedExecutions .*1000000000/],
    [{ runMinutes: 61 }, /^limits\.runMinutes is 61; it must be from 0.01 to 60$/],
    [{ total: { notebooks: 1 } }, /^limits\.total is not a known property/],
  ]
  for (const [body, message] of refused) {
    const { status, type, message: said } = await failure(client.call(putApplicationLimits, { params, body }))
    assert.deepEqual([status, type], [400, 'Validation'])
    assert.match(said, message)
  }
  const again = await client.call(putApplicationLimits, { params, body: {} })
  assert.deepEqual([again.limits, again.effective.notebooks], [{}, 4])
})

test('one notebook more than allowed is refused with 403, until one is deleted', async () => {
  const applicationId = await limited({ notebooks: 2 })
  const { id: notebookId } = await makeNotebook(losant, applicationId, {})
  await makeNotebook(losant, applicationId, {})
  const body = { name: 'one more' }
  const refused = await refusal(losant.call('notebooks.post', { applicationId, notebook: body }))
  assert.deepEqual([refused.statusCode, refused.type], [403, 'LimitExceeded'])
  assert.match(refused.message, /^There are 2 notebooks of this application, and at most 2 are allowed \(set for the/)
  const { limit, retryAfterSeconds } = await failure(client.call(createNotebook, { params: { applicationId }, body }))
  assert.deepEqual(limit, { name: 'notebooks', of: 'application', allowed: 2, used: 2 })
  assert.equal(retryAfterSeconds, undefined)
  await losant.call('notebook.delete', { applicationId, notebookId })
  await losant.call('notebooks.post', { applicationId, notebook: body })
})

test('the surplus waits while others go on, and a full queue is refused with 429', async () => {
  const applicationId = await limited({ parallelExecutions: 1, queuedExecutions: 2 })
  const { id: notebookId } = await makeNotebook(losant, applicationId, {}, FOREVER)
  const params = { applicationId, notebookId }
  const execute = async () => {
    const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
      ...params,
      executionOptions: {},
    })
    return executionId
  }
  const first = await execute()
  await untilStatus(losant, params, first, (status) => status === 'inProgress')
  const [second, third] = [await execute(), await execute()]
  const refused = await refusal(losant.call('notebook.execute', { ...params, executionOptions: {} }))
  assert.deepEqual([refused.statusCode, refused.type], [429, 'LimitExceeded'])
  assert.match(refused.message, /^2 executions of this application wait already, and at most 2 may/)
  const { limit, retryAfterSeconds } = await failure(client.call(executeNotebook, { params, body: {} }))
  assert.deepEqual(limit, { name: 'queuedExecutions', of: 'application', allowed: 2, used: 2 })
  assert.equal(retryAfterSeconds, 5)

  // There are slots left, and others get them.
  const { id: other } = await makeApplication(losant)
  assert.equal((await runToEnd(losant, await makeNotebook(losant, other, {}, '1'))).status, 'completed')
  const { usage } = await client.call(getApplicationLimits, { params: { applicationId } })
  assert.deepEqual([usage.runningExecutions, usage.queuedExecutions], [1, 2])

  await client.call(cancelExecution, { params, query: { executionId: first } })
  await untilStatus(losant, params, second, (status) => status === 'inProgress')
  // A limit that is lifted counts at once.
  await client.call(putApplicationLimits, { params: { applicationId }, body: {} })
  const fourth = await execute()
  await untilStatus(losant, params, fourth, (status) => status === 'inProgress')
  for (const executionId of [second, third, fourth]) {
    await client.call(cancelExecution, { params, query: { executionId } })
    await untilStatus(losant, params, executionId, (status) => status === 'canceled')
  }
})

test('minutes that are used up are refused with 429 until the next month begins', async () => {
  const applicationId = await limited({ minutesPerMonth: 1 })
  const notebook = await makeNotebook(losant, applicationId, {}, '1')
  assert.equal((await runToEnd(losant, notebook)).status, 'completed')
  const params = { applicationId, notebookId: notebook.id }
  const refused = await refusal(losant.call('notebook.execute', { ...params, executionOptions: {} }))
  assert.deepEqual([refused.statusCode, refused.type], [429, 'LimitExceeded'])
  const told = await client.call(getApplicationLimits, { params: { applicationId } })
  assert.equal(told.usage.minutesThisMonth, 1)
  assert.match(refused.message, new RegExp(`used 1 of the 1 minutes .*${told.minutesResetAt.replaceAll('.', '\\.')}$`))
  const { limit, retryAfterSeconds = 0 } = await failure(client.call(executeNotebook, { params, body: {} }))
  const resetsAt = told.minutesResetAt
  assert.deepEqual(limit, { name: 'minutesPerMonth', of: 'application', allowed: 1, used: 1, resetsAt })
  const waitSeconds = (Date.parse(resetsAt) - Date.now()) / 1000
  assert.ok(Math.abs(retryAfterSeconds - waitSeconds) < 60, `${retryAfterSeconds} and ${waitSeconds}`)
})

test('what is too large for the application is refused with 413, although the installation would take it', async () => {
  const sizes = { notebookBytes: 20_000, fileBytes: 50_000, directFileBytes: 2000, bodyBytes: 70_000 }
  const applicationId = await limited(sizes)
  const notebook = await makeNotebook(losant, applicationId, {}, '1')
  const { id: deviceId } = await losant.call<{ id: string }>('devices.post', {
    applicationId,
    device: { name: 'd', attributes: [{ name: 'a', dataType: 'number' }] },
  })
  const file = { name: 'f', type: 'file' }
  const { id: fileId } = await losant.call<{ id: string }>('files.post', { applicationId, file })
  const states = (count: number) => Array.from({ length: count }, (_, n) => ({ time: Date.now() - n, data: { a: n } }))
  const calls: [() => Promise<unknown>, RegExp][] = [
    [
      () =>
        losant.call('notebook.upload', {
          applicationId,
          notebookId: notebook.id,
          jupyterFile: ipynb('#'.repeat(30_000)),
        }),
      /^jupyterFile is larger than the 20000 bytes that are allowed \(set for the application\)$/,
    ],
    [
      () => losant.call('files.post', { applicationId, file: { ...file, name: 'g', fileSize: 50_001 } }),
      /^file\.fileSize 50001 is larger than the 50000 bytes/,
    ],
    [() => losant.call('file.upload', { applicationId, fileId, file: 'x'.repeat(2001) }), /larger than the 2000 bytes/],
    [
      () => losant.call('device.sendState', { applicationId, deviceId, deviceState: states(3000) }),
      /^The body is larger than the 70000 bytes/,
    ],
  ]
  for (const [call, message] of calls) {
    const refused = await refusal(call())
    assert.deepEqual([refused.statusCode, refused.type], [413, 'LimitExceeded'], refused.message)
    assert.match(refused.message, message)
  }
  await losant.call('file.upload', { applicationId, fileId, file: 'x'.repeat(2000) })
  await losant.call('device.sendState', { applicationId, deviceId, deviceState: states(1000) })
})

test('the minutes of a run are those of the application, and a notebook can only have fewer', async () => {
  const applicationId = await limited({ runMinutes: 0.02 })
  const notebook = await makeNotebook(losant, applicationId, {}, FOREVER)
  const params = { applicationId, notebookId: notebook.id }
  const { message } = await failure(client.call(putLimits, { params, body: { runMinutes: 1 } }))
  assert.equal(message, 'limits.runMinutes is 1; it must be from 0.01 to 0.02')
  const log = await runToEnd(losant, notebook)
  assert.deepEqual(
    [log.status, log.maxAllowedRunMinutes, log.executionErrors[0]?.name],
    ['timeout', 0.02, 'RunTimeout'],
  )
})
