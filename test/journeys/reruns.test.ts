/** Executions again with the very inputs of then, and one notebook over many windows of time; our own endpoints. */

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { cancelBackfill, createBackfill, getBackfill, listBackfills } from '../../contract/backfills.ts'
import type { Device } from '../../contract/devices.ts'
import { executeNotebook, getExecution, rerunExecution } from '../../contract/executions.ts'
import type { Notebook, NotebookPost } from '../../contract/notebooks.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { ipynb, makeApplication, makeNotebook, open, runToEnd, untilStatus } from '../support/steps.ts'

let service: RunningService
let losant: Official
let ours: Client
let applicationId: string
let device: Device

before(async () => {
  service = await startService({ env: { FIELDBOOK_SLOTS: '2' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
  device = await losant.call<Device>('devices.post', {
    applicationId,
    device: { name: 'pump', attributes: [{ name: 'flow', dataType: 'number' }] },
  })
  await report('2026-01-01T12:00:00Z', 1)
})
after(() => service[Symbol.asyncDispose]())

const report = (time: string, flow: number) =>
  losant.call('device.sendState', { applicationId, deviceId: device.id, deviceState: { time, data: { flow } } })

const READS = `import os
print(open(os.path.join(os.environ['INPUT_DIR'], 'flow.csv')).read())
print(sorted(os.listdir(os.environ['INPUT_DIR'])))`

const input = (start: number) => ({
  inputs: [
    {
      inputType: 'deviceData',
      fileName: '{{ctx.name}}.csv',
      deviceIds: [device.id],
      attributes: ['flow'],
      start,
      end: 0,
    },
  ] as NonNullable<NotebookPost['inputs']>,
  outputs: [{ outputType: 'executionResult', fileName: 'result.log' } as const],
})
const CONTEXT = { templateContext: '{"name": "flow"}' }

const paramsOf = (notebook: Notebook) => ({ applicationId, notebookId: notebook.id })
const isFinal = (status: string) => !['queued', 'inProgress', 'canceling'].includes(status)

/** Asks for the execution once more and waits for its end. */
async function rerun(notebook: Notebook, executionId: string) {
  const params = paramsOf(notebook)
  const answer = await ours.call(rerunExecution, { params: { ...params, executionId } })
  const log = await untilStatus(losant, params, answer.executionId, isFinal)
  return { log, details: await ours.call(getExecution, { params: { ...params, executionId: answer.executionId } }) }
}

/** Looks a few times a second: an answer about 600 executions takes the service some milliseconds. */
const until = async (holds: () => Promise<boolean>) => {
  while (!(await holds())) await pause(150)
}

const refused = async (call: Promise<unknown>) => {
  const failure = await call.then(
    () => assert.fail('the call went through'),
    (error: unknown) => error,
  )
  assert.ok(failure instanceof ApiFailure, String(failure))
  return failure
}

test('a rerun has the inputs, the notebook, the context and the query time of then', async () => {
  const notebook = await makeNotebook(losant, applicationId, input(1), READS)
  const first = await runToEnd(losant, notebook, { ...CONTEXT, relativeTo: '2026-02-01T00:00:00Z' })
  assert.deepEqual([first.status, first.executionErrors], ['completed', []])
  const printed = await open(first.outputInfo, 'result.log')
  assert.match(printed, /,1\n[\s\S]*\['context.json', 'flow.csv'\]/)

  // Everything else is changed: the history, the configuration, the cells.
  await report('2026-01-02T12:00:00Z', 2)
  await losant.call('notebook.patch', { ...paramsOf(notebook), notebook: { inputs: [], name: 'another' } })
  await losant.call('notebook.upload', { ...paramsOf(notebook), jupyterFile: ipynb('print("others")') })
  const { log, details } = await rerun(notebook, first.id)
  assert.deepEqual([log.status, log.executionErrors], ['completed', []])
  assert.equal(await open(log.outputInfo, 'result.log'), printed)
  assert.equal(await open(log.inputInfo, 'flow.csv'), await open(first.inputInfo, 'flow.csv'))
  assert.deepEqual(
    [log.executionRelativeTo, log.templateContext, log.sourceType],
    [first.executionRelativeTo, first.templateContext, 'user'],
  )
  assert.deepEqual([details.rerunOf, details.attempt], [first.id, 1])

  // What the first one kept may go: the second has its own, and can be run again itself.
  await rm(join(service.dataDir, 'blobs/executions', first.id), { recursive: true })
  const third = await rerun(notebook, log.id)
  assert.equal(await open(third.log.outputInfo, 'result.log'), printed)
  assert.equal(third.details.rerunOf, log.id)
  const { status, type, message } = await refused(
    ours.call(rerunExecution, { params: { ...paramsOf(notebook), executionId: first.id } }),
  )
  assert.deepEqual([status, type], [410, 'Gone'])
  assert.match(message, /^The input flow\.csv of the execution is kept no longer; execute the notebook anew instead$/)
})

test('what has not ended or never had its inputs is not run again', async () => {
  const slow = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(600)')
  const { executionId } = await ours.call(executeNotebook, { params: paramsOf(slow), body: {} })
  const again = (notebook: Notebook, id: string) =>
    refused(ours.call(rerunExecution, { params: { ...paramsOf(notebook), executionId: id } }))
  const early = await again(slow, executionId)
  assert.deepEqual([early.status, early.type], [409, 'Conflict'])
  assert.match(
    early.message,
    /^The execution has not ended, it is (queued|inProgress); it can be run again once it has$/,
  )
  await losant.call('notebook.delete', paramsOf(slow))

  const missing = { inputType: 'applicationFile', fileName: 'a.txt', filePath: '/nowhere.txt' } as const
  const broken = await makeNotebook(losant, applicationId, { inputs: [missing] }, '1')
  const failed = await runToEnd(losant, broken)
  const incomplete = await again(broken, failed.id)
  assert.deepEqual([incomplete.status, incomplete.type], [409, 'Conflict'])
  assert.match(incomplete.message, /^The execution had 0 of its 1 inputs when it ended/)
  assert.equal((await again(broken, '0123456789abcdef01234567')).status, 404)
})

test('a backfill executes the notebook for every window, at the end of each', async () => {
  const notebook = await makeNotebook(losant, applicationId, input(-86_400_000), READS)
  const params = paramsOf(notebook)
  const body = { name: 'January', start: '2026-01-01', end: '2026-01-04', window: 'P1D', ...CONTEXT }
  const made = await ours.call(createBackfill, { params, body })
  assert.deepEqual([made.windows, made.timeZone, made.sourceType, made.name], [3, 'UTC', 'user', 'January'])
  const one = { params: { ...params, backfillId: made.id } }
  await until(async () => (await ours.call(getBackfill, one)).state === 'ended')
  const { executions, counts } = await ours.call(getBackfill, one)
  assert.deepEqual(counts, { ...made.counts, queued: 0, completed: 3 })
  assert.deepEqual(
    executions.map(({ relativeTo, status }) => [relativeTo, status]),
    ['02', '03', '04'].map((day) => [`2026-01-${day}T00:00:00.000Z`, 'completed']),
  )
  const printed: string[] = []
  for (const { executionId } of executions) {
    const log = await untilStatus(losant, params, executionId, isFinal)
    printed.push((await open(log.outputInfo, 'result.log')).split('\n')[1]?.split(',')[2] ?? 'nothing')
    const details = await ours.call(getExecution, { params: { ...params, executionId } })
    assert.deepEqual([details.backfillId, log.templateContext], [made.id, CONTEXT.templateContext])
  }
  assert.deepEqual(printed, ['1', '2', 'nothing'])
  const { items, totalCount } = await ours.call(listBackfills, { params })
  assert.deepEqual([items[0]?.id, items[0]?.counts.completed, totalCount], [made.id, 3, 1])
})

test('a backfill is canceled as a whole, and delays nobody', async () => {
  const slow = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(600)')
  const params = paramsOf(slow)
  const body = { start: '2026-01-01', end: '2026-01-01T10:00Z', window: 'PT1M' }
  const made = await ours.call(createBackfill, { params, body })
  assert.equal(made.windows, 600)
  const one = { params: { ...params, backfillId: made.id } }
  await until(async () => (await ours.call(getBackfill, one)).counts.inProgress === 2)
  // One slot becomes free, and what a person asks for comes before the 598 that have waited longer.
  const quick = await makeNotebook(losant, applicationId, {}, '1 + 1')
  const { executionId } = await ours.call(executeNotebook, { params: paramsOf(quick), body: {} })
  const running = (await ours.call(getBackfill, one)).executions.find(({ status }) => status === 'inProgress')
  const cancel = `/applications/${applicationId}/notebooks/${slow.id}/cancelExecution?executionId=${running?.executionId}`
  await fetch(service.url + cancel, { method: 'POST', headers: { authorization: `Bearer ${ours.token}` } })
  assert.equal((await untilStatus(losant, paramsOf(quick), executionId, isFinal)).status, 'completed')

  const { canceled } = await ours.call(cancelBackfill, one)
  assert.ok(canceled >= 598, `${canceled} had not ended`)
  await until(async () => (await ours.call(getBackfill, one)).counts.canceled === 600)
  assert.equal((await ours.call(getBackfill, one)).state, 'canceled')
  assert.deepEqual(await ours.call(cancelBackfill, one), { success: true, canceled: 0 })
})

test('a backfill that can not be is refused, and queues nothing', async () => {
  const notebook = await makeNotebook(losant, applicationId, {}, '1')
  const params = paramsOf(notebook)
  const range = { start: '2026-01-01', end: '2026-01-04', window: 'P1D' }
  const cases: [Parameters<typeof ours.call<typeof createBackfill>>[1], RegExp][] = [
    [{ params, body: { ...range, window: '1 day' } }, /^backfill\.window must be an ISO 8601 duration of one unit/],
    [{ params, body: { ...range, window: 'P1DT1H' } }, /^backfill\.window must be/],
    [{ params, body: { ...range, start: 'soon' } }, /^backfill\.start must be a time/],
    [{ params, body: { ...range, end: '2999-01-01' } }, /^backfill\.end must not be in the future$/],
    [{ params, body: { ...range, end: '2026-01-03T12:00Z' } }, /^backfill\.end must be where a window ends/],
    [{ params, body: { ...range, window: 'PT1M' } }, /more than 1000 windows/],
    [{ params, body: { ...range, timeZone: 'Nowhere' } }, /^backfill\.timeZone "Nowhere" is not known/],
    [{ params, body: { ...range, templateContext: '{' } }, /^backfill\.templateContext must be JSON text/],
  ]
  for (const [call, message] of cases) {
    const failure = await refused(ours.call(createBackfill, call))
    assert.deepEqual([failure.status, failure.type], [400, 'Validation'])
    assert.match(failure.message, message)
  }
  const empty = await losant.call<Notebook>('notebooks.post', { applicationId, notebook: { name: 'empty' } })
  const failure = await refused(ours.call(createBackfill, { params: paramsOf(empty), body: range }))
  assert.match(failure.message, /no Jupyter file yet/)
  assert.equal((await ours.call(listBackfills, { params })).totalCount, 0)
})
