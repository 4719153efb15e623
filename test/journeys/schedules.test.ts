/** Schedules over HTTP: planned, refused, and caught up by a service that was stopped at the planned time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiFailure, signIn } from '../../client/client.ts'
import { executeNotebook, getExecution } from '../../contract/executions.ts'
import { deleteNotebook } from '../../contract/notebooks.ts'
import { createSchedule, deleteSchedule, getSchedule, listSchedules, patchSchedule } from '../../contract/schedules.ts'
import { signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, untilStatus } from '../support/steps.ts'

const refusal = async (call: Promise<unknown>) => {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(failure instanceof ApiFailure, String(failure))
  return [failure.status, failure.message]
}

test('a service that was stopped at a planned time runs the notebook when it starts, once, as of that time', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const { id: notebookId } = await makeNotebook(losant, applicationId, {}, 'print("good morning")')
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const params = { applicationId, notebookId }
  const { id: scheduleId, nextRuns } = await client.call(createSchedule, { params, body: { cron: '* * * * *' } })
  await service.stop()
  const planned = Date.parse(nextRuns[0] ?? '')
  while (Date.now() < planned + 1000) await pause(200)

  await using again = await startService({ dataDir: data.path })
  const later = await signIn(again.url, EMAIL, PASSWORD)
  const official = await signInOfficially(again.url, EMAIL, PASSWORD)
  const find = () => later.call(getSchedule, { params: { ...params, scheduleId } })
  let schedule = await find()
  while (!schedule.lastRun) {
    await pause(50)
    schedule = await find()
  }
  await later.call(patchSchedule, { params: { ...params, scheduleId }, body: { enabled: false } })
  const { executionId, plannedFor } = schedule.lastRun
  const log = await untilStatus(official, params, executionId, (status) => status === 'completed')
  assert.ok(Date.parse(plannedFor) >= planned && Date.parse(plannedFor) % 60_000 === 0, plannedFor)
  assert.deepEqual([log.executionRelativeTo, log.sourceType, log.sourceId], [plannedFor, 'flow', scheduleId])
  const execution = await later.call(getExecution, { params: { ...params, executionId } })
  assert.deepEqual(execution.schedule, { id: scheduleId, plannedFor })
})

test('schedules are made, listed, changed and deleted, and refused with a reason', async () => {
  await using service = await startService()
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const { id: notebookId } = await makeNotebook(losant, applicationId, {}, 'print("waited for")')
  const params = { applicationId, notebookId }
  const body = { name: 'nightly', cron: '30 2 * * *', timeZone: 'Europe/Berlin' }
  const made = await client.call(createSchedule, { params, body })
  const { catchUp, catchUpLimit, overlap, enabled, nextRuns } = made
  assert.deepEqual([catchUp, catchUpLimit, overlap, enabled, nextRuns.length], ['last', 10, 'skip', true, 5])
  const url = `${service.url}/applications/${applicationId}/notebooks/${notebookId}/schedules`
  const headers = { authorization: `Bearer ${client.token}` }
  const raw = JSON.parse(await (await fetch(`${url}/${made.id}`, { headers })).text())
  assert.deepEqual([raw._type, raw._links.self.href], ['schedule', new URL(`${url}/${made.id}`).pathname])

  await client.call(createSchedule, { params, body: { cron: '@hourly', catchUp: 'all' } })
  const list = await client.call(listSchedules, { params, query: { sortField: 'nextRun' } })
  assert.deepEqual([list.totalCount, ...list.items.map((item) => item.overlap).toSorted()], [2, 'queue', 'skip'])
  assert.deepEqual((await client.call(listSchedules, { params, query: { filter: 'night*' } })).items, [made])
  const one = { params: { ...params, scheduleId: made.id } }
  const off = await client.call(patchSchedule, {
    ...one,
    body: { enabled: false, templateContext: '{"site":"north"}' },
  })
  assert.deepEqual([off.enabled, off.nextRuns, off.templateContext], [false, [], '{"site":"north"}'])

  const post = (wrong: object) => refusal(client.call(createSchedule, { params, body: { ...body, ...wrong } }))
  assert.deepEqual(await post({ timeZone: 'Mars/Olympus' }), [
    400,
    'schedule.timeZone "Mars/Olympus" is not known; it is an IANA name such as Europe/Berlin or UTC',
  ])
  assert.match(String(await post({ cron: '0 0 31 2 *' })), /^400,schedule.cron "0 0 31 2 \*" never comes true/)
  assert.match(String(await post({ catchUpLimit: 101 })), /^400,schedule.catchUpLimit must be at most 100, and is 101/)
  assert.match(String(await post({ overlap: 'kill' })), /^400,schedule.overlap must be one of skip, queue/)

  await client.call(deleteSchedule, one)
  assert.deepEqual(await refusal(client.call(getSchedule, one)), [404, 'Schedule was not found'])
  const [other] = (await client.call(listSchedules, { params })).items
  await client.call(deleteNotebook, { params })
  const gone = { params: { ...params, scheduleId: other?.id ?? '' } }
  assert.deepEqual(await refusal(client.call(getSchedule, gone)), [404, 'Notebook was not found'])
})

test('execute with wait answers with the final log, and at once when the service is told to stop', async () => {
  await using service = await startService({ env: { FIELDBOOK_DRAIN: '20s' } })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const execute = async (cell: string) => {
    const { id: notebookId } = await makeNotebook(losant, applicationId, {}, cell)
    return client.call(executeNotebook, { params: { applicationId, notebookId }, query: { wait: '50' }, body: {} })
  }
  const done = await execute('print("waited for")')
  assert.deepEqual([done.success, done.status, done.id], [true, 'completed', done.executionId])
  const response = await fetch(done.outputInfo?.['result.log']?.url ?? '')
  assert.equal(await response.text(), 'waited for\n')
  const failed = await execute('1 / 0')
  assert.deepEqual([failed.success, failed.status, failed.executionErrors?.[0]?.name], [true, 'errored', 'CellError'])

  const waiting = execute('import time\nprint("begun", flush=True)\ntime.sleep(4)')
  const list = async () => losant.call<{ items: { id: string }[] }>('notebooks.get', { applicationId })
  while ((await list()).items.length < 3) await pause(50)
  const [, , third] = (await list()).items.map(({ id }) => id).toSorted()
  const params = { applicationId, notebookId: third ?? '' }
  let logs: { id: string; status: string }[] = []
  while (logs[0]?.status !== 'inProgress') logs = await losant.call('notebook.logs', params)
  const stopped = service.stop()
  assert.deepEqual(await waiting, { success: true, executionId: logs[0]?.id })
  assert.equal(await stopped, 0)
})
