/** Pages of runs that nobody had asked for: made after the fact, after every ending, kept, and opened by a link. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ExecutionLog } from '../../contract/executions.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd, untilStatus } from '../support/steps.ts'

const parts = new AsyncDisposableStack()
let service: RunningService
let losant: Official
let token: string
let applicationId: string

before(async () => {
  service = parts.use(await startService({ env: { FIELDBOOK_RUN_MINUTES: '0.1' } }))
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  token = await signInToken(service.url)
  applicationId = (await makeApplication(losant)).id
})
after(() => parts.disposeAsync())

async function signInToken(url: string): Promise<string> {
  const response = await fetch(`${url}/auth/user`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: EMAIL, password: PASSWORD }),
  })
  const { token }: { token?: unknown } = JSON.parse(await response.text())
  return String(token)
}

type Run = Pick<ExecutionLog, 'applicationId' | 'notebookId' | 'id'>

const urlOf = (run: Run, file: string, at = service) =>
  `${at.url}/applications/${run.applicationId}/notebooks/${run.notebookId}/executions/${run.id}/${file}`

/** The answer itself, without following its link. */
const ask = (url: string, as = token) => fetch(url, { redirect: 'manual', headers: { authorization: `Bearer ${as}` } })

async function run(cell: string): Promise<ExecutionLog> {
  return runToEnd(losant, await makeNotebook(losant, applicationId, {}, 'print("as far as this")', cell))
}

async function start(...cells: string[]): Promise<Run> {
  const { id: notebookId } = await makeNotebook(losant, applicationId, {}, ...cells)
  const asked = { applicationId, notebookId }
  const { executionId: id } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...asked,
    executionOptions: {},
  })
  return { ...asked, id }
}

async function logOf({ notebookId, id }: Run): Promise<ExecutionLog> {
  return untilStatus(losant, { applicationId, notebookId }, id, () => true)
}

async function cancel({ notebookId, id }: Run): Promise<void> {
  const path = `/applications/${applicationId}/notebooks/${notebookId}/cancelExecution?executionId=${id}`
  const { status } = await fetch(service.url + path, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  assert.equal(status, 200)
}

const FOR_EVER = 'import threading; threading.Event().wait()'

test('a page is made when it is asked for, kept, and opens by a link that needs no token and boxes it in', async () => {
  const log = await run('1 + 1')
  assert.ok(!('result.html' in log.outputInfo), 'nobody asked, nothing was made')
  const first = await ask(urlOf(log, 'result.html'))
  assert.equal(first.status, 303)
  const link = first.headers.get('location') ?? ''
  assert.doesNotMatch(link, /token/)
  const page = await fetch(link)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-security-policy') ?? '', /^sandbox;/)
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
  assert.match(await page.text(), /as far as this/)

  const kept = (await logOf(log)).outputInfo
  assert.equal(kept['result.html']?.contentType, 'text/html')
  assert.match(await open(kept, 'result.html'), /as far as this/)
  const again = await ask(urlOf(log, 'result.html'))
  assert.equal(new URL(again.headers.get('location') ?? '').pathname, new URL(link).pathname)
})

test('after an error, a timeout and a cancellation it shows the notebook as far as it got', async () => {
  const errored = await run('1 / 0')
  const timeout = await run(FOR_EVER)
  const canceling = await start('print("as far as this")', FOR_EVER)
  await untilStatus(
    losant,
    { applicationId, notebookId: canceling.notebookId },
    canceling.id,
    (s) => s === 'inProgress',
  )
  await cancel(canceling)
  const params = { applicationId, notebookId: canceling.notebookId }
  const canceled = await untilStatus(losant, params, canceling.id, (s) => s === 'canceled')
  for (const [log, status] of [
    [errored, 'errored'],
    [timeout, 'timeout'],
    [canceled, 'canceled'],
  ] as const) {
    assert.equal(log.status, status)
    const response = await fetch(urlOf(log, 'result.html'), { headers: { authorization: `Bearer ${token}` } })
    const html = await response.text()
    assert.equal(response.status, 200, html)
    assert.match(html, status === 'canceled' ? /threading/ : /as far as this/)
    if (status === 'errored') assert.match(html, /ZeroDivisionError/)
  }
})

test('those who ask at once get the same page, of one job', async () => {
  const log = await run('2')
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(urlOf(log, 'result.html'))))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [303])
  const paths = answers.map(({ headers }) => new URL(headers.get('location') ?? '').pathname)
  assert.equal(new Set(paths).size, 1)
  const listed = await ask(`${service.url}/applications/${applicationId}/jobLogs?perPage=100`)
  const { items }: { items: { resourceId?: string }[] } = JSON.parse(await listed.text())
  assert.equal(items.filter(({ resourceId }) => resourceId === log.notebookId).length, 1)
})

test('a run that goes on, one that is not there and one of somebody else are told apart from pages', async () => {
  const going = await start(FOR_EVER)
  const early = await ask(urlOf(going, 'result.html'))
  assert.equal(early.status, 409)
  assert.match(await early.text(), /has not ended/)
  await cancel(going)
  assert.equal((await ask(urlOf({ ...going, id: 'f'.repeat(24) }, 'result.html'))).status, 404)
  assert.equal((await ask(urlOf({ ...going, applicationId: 'f'.repeat(24) }, 'result.html'))).status, 404)
  assert.equal((await ask(urlOf(going, 'result.html'), 'nonsense')).status, 401)
})

test('a door that runs no notebooks has pages made by a worker', async () => {
  await using data = await makeDataDir()
  await using door = await startService({ dataDir: data.path, env: { FIELDBOOK_ROLE: 'api' } })
  const [, , , , host = ''] = (await readFile(join(data.path, 'postgres/postmaster.pid'), 'utf8')).split('\n')
  const database = `postgres://fieldbook@/fieldbook?host=${encodeURIComponent(host)}`
  await using _worker = await startService({
    dataDir: data.path,
    env: { FIELDBOOK_ROLE: 'worker', DATABASE_URL: database },
  })
  const official = await signInOfficially(door.url, EMAIL, PASSWORD)
  const { id } = await makeApplication(official)
  const log = await runToEnd(official, await makeNotebook(official, id, {}, 'print("by a worker")'))
  const page = await fetch(urlOf(log, 'result.html', door), {
    headers: { authorization: `Bearer ${await signInToken(door.url)}` },
  })
  assert.match(await page.text(), /by a worker/)
})
