/** What runs used: of a notebook, an application and a user, by day and for the month, also after what ran is gone. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Application } from '../../contract/applications.ts'
import type { MinuteCount, MinuteCounts } from '../../contract/minutes.ts'
import type { Notebook } from '../../contract/notebooks.ts'
import { type Official, officialClient, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, runToEnd, untilStatus } from '../support/steps.ts'

let service: RunningService
let losant: Official

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

const DAY_MS = 86_400_000
const NONE = { minutes: 0, completed: 0, canceled: 0, errored: 0, timeout: 0 }

const counts = (path: string, query: object = {}) => losant.read<MinuteCounts>(`${path}/notebookMinuteCounts`, query)

/** From yesterday on, in one: a test may run across midnight. */
async function total(path: string): Promise<typeof NONE> {
  const { counts: days } = await counts(path, { start: Date.now() - DAY_MS })
  const add = (sum: typeof NONE, { date: _, ...day }: MinuteCount) => ({
    minutes: sum.minutes + day.minutes,
    completed: sum.completed + day.completed,
    canceled: sum.canceled + day.canceled,
    errored: sum.errored + day.errored,
    timeout: sum.timeout + day.timeout,
  })
  return days.reduce(add, NONE)
}

const ofApplication = (applicationId: string) => `/applications/${applicationId}`
const ofNotebook = ({ applicationId, id }: Notebook) => `${ofApplication(applicationId)}/notebooks/${id}`

async function cancelRunning(notebook: Notebook): Promise<void> {
  const params = { applicationId: notebook.applicationId, notebookId: notebook.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions: {},
  })
  await untilStatus(losant, params, executionId, (status) => status === 'inProgress')
  const cancel = await fetch(`${service.url}${ofNotebook(notebook)}/cancelExecution?executionId=${executionId}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}` },
  })
  assert.equal(cancel.status, 200)
  await untilStatus(losant, params, executionId, (status) => status === 'canceled')
}

const token = async (requestedScopes?: string[]) => {
  const credentials = { email: EMAIL, password: PASSWORD, ...(requestedScopes ? { requestedScopes } : {}) }
  return (await officialClient(service.url).call<{ token: string }>('auth.authenticateUser', { credentials })).token
}

test('what runs used adds up from notebooks to applications to the user, and stays when they are deleted', async () => {
  const [first, second] = [await makeApplication(losant), await makeApplication(losant)]
  const good = await makeNotebook(losant, first.id, {}, '1 + 1')
  const bad = await makeNotebook(losant, first.id, {}, '1 / 0')
  const slow = await makeNotebook(losant, second.id, {}, 'import time\ntime.sleep(600)')
  const before = await total('/me')
  for (const notebook of [good, good, bad]) await runToEnd(losant, notebook)
  await cancelRunning(slow)
  assert.deepEqual(await total(ofNotebook(good)), { ...NONE, minutes: 2, completed: 2 })
  assert.deepEqual(await total(ofNotebook(bad)), { ...NONE, minutes: 1, errored: 1 })
  const { minutes, ...canceled } = await total(ofNotebook(slow))
  assert.ok(minutes <= 1, `${minutes} minutes: it may have been canceled before its notebook began`)
  assert.deepEqual(canceled, { completed: 0, canceled: 1, errored: 0, timeout: 0 })
  assert.deepEqual(await total(ofApplication(first.id)), { ...NONE, minutes: 3, completed: 2, errored: 1 })
  const mine = {
    ...before,
    minutes: before.minutes + 3 + minutes,
    completed: before.completed + 2,
    errored: before.errored + 1,
    canceled: before.canceled + 1,
  }
  assert.deepEqual(await total('/me'), mine)

  const { stats } = await losant.call<Notebook>('notebook.get', { applicationId: first.id, notebookId: bad.id })
  assert.deepEqual(stats, { minutesThisPeriod: 1, runsThisPeriod: 1, errorsThisPeriod: 1 })
  const { summary } = await losant.call<Application>('application.get', {
    applicationId: first.id,
    summaryInclude: 'notebookStats',
  })
  assert.deepEqual(summary?.notebookStats, { awaitingCompletion: 0, minutesThisPeriod: 3, runsThisPeriod: 3 })

  await losant.call('notebook.delete', { applicationId: first.id, notebookId: bad.id })
  assert.equal((await refusal(counts(ofNotebook(bad)))).statusCode, 404)
  assert.deepEqual(await total(ofApplication(first.id)), { ...NONE, minutes: 3, completed: 2, errored: 1 })
  await losant.call('application.delete', { applicationId: second.id })
  assert.equal((await refusal(counts(ofApplication(second.id)))).statusCode, 404)
  assert.deepEqual(await total('/me'), mine)
})

test('every day of a range is there, and a range that is none is refused, wherever it is asked', async () => {
  const { id } = await makeApplication(losant)
  const notebook = await makeNotebook(losant, id, {}, '1')
  for (const path of [ofNotebook(notebook), ofApplication(id), '/me']) {
    const {
      start,
      end,
      counts: days,
    } = await counts(path, { start: '2024-02-28', end: Date.parse('2024-03-01T00:00Z') })
    assert.deepEqual([start, end], ['2024-02-28T00:00:00.000Z', '2024-03-01T00:00:00.000Z'])
    assert.deepEqual(
      days,
      ['2024-02-28', '2024-02-29', '2024-03-01'].map((day) => ({ date: `${day}T00:00:00.000Z`, ...NONE })),
    )
    const month = await counts(path, { end: '2023-02-03T10:00:00Z' })
    assert.deepEqual([month.start, month.counts.length], ['2023-02-01T00:00:00.000Z', 3])
    for (const range of [{ start: Date.now(), end: 1_700_000_000_000 }, { start: 'never' }, { end: 'never' }]) {
      const refused = await refusal(counts(path, range))
      assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
      assert.match(refused.message, /^(start|end) must /)
    }
  }
  // What is told of a user needs a token for the user.
  const narrow = officialClient(service.url, await token(['application.*']))
  assert.equal((await refusal(narrow.read('/me/notebookMinuteCounts'))).statusCode, 403)
  const wide = officialClient(service.url, await token(['me.*']))
  assert.ok((await wide.read<MinuteCounts>('/me/notebookMinuteCounts')).counts.length > 0)
})
