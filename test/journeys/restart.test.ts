/** The service as a process: it ends cleanly, starts again as it was, and takes over what a crash left behind. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { signIn } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import { createDevice } from '../../contract/devices.ts'
import type { Notebook } from '../../contract/notebooks.ts'
import { sendState } from '../../contract/states.ts'
import { signInOfficially } from '../support/official.ts'
import { EMAIL, failToStart, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd, untilStatus } from '../support/steps.ts'

/** Processes that have something to do with a data folder: in their arguments, their environment or their mounts. */
function processesOf(dataDir: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return []
    const read = (name: string) => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'utf8')
      } catch {
        return '' // gone, or not ours to read
      }
    }
    const status = read('stat')
    if (/\) Z /.test(status)) return []
    const found = ['cmdline', 'environ', 'mountinfo'].some((name) => read(name).includes(dataDir))
    return found ? [`${pid} ${read('cmdline').replaceAll('\0', ' ')}`] : []
  })
}

test('SIGTERM ends the service cleanly in the middle of a run, and the next start takes the run up again', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant, 'kept')
  const notebook = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(1)\nprint("done")')
  const finished = await runToEnd(losant, notebook)
  const params = { applicationId, notebookId: notebook.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions: {},
  })
  await untilStatus(losant, params, executionId, (status) => status === 'inProgress')
  assert.ok(processesOf(data.path).length > 1, 'the look at /proc finds the service, its database and its kernel')

  assert.equal(await service.stop(), 0)
  assert.deepEqual(processesOf(data.path), [])

  await using again = await startService({ dataDir: data.path, env: { FIELDBOOK_ADMIN_PASSWORD: 'is not looked at' } })
  const later = await signInOfficially(again.url, EMAIL, PASSWORD)
  const [application] = (await later.call<{ items: { name: string }[] }>('applications.get', {})).items
  assert.equal(application?.name, 'kept')
  assert.match((await later.call<Notebook>('notebook.get', params)).jupyterFileUrl ?? '', /^http/)
  const taken = await untilStatus(later, params, executionId, (status) => status === 'completed')
  assert.equal(await open(taken.outputInfo, 'result.log'), 'done\n')
  // Links of the first service's answers hold: same key, same path.
  const old = new URL(finished.outputInfo['result.log']?.url ?? '')
  assert.equal((await fetch(again.url + old.pathname + old.search)).status, 200)
})

test('SIGTERM in the middle of requests answers them, and ends the service although its clients keep their connections', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'busy' } })
  const device = { name: 'd', attributes: [{ name: 'n', dataType: 'number' as const }] }
  const { id: deviceId } = await client.call(createDevice, { params: { applicationId }, body: device })
  let answered = 0
  const send = async () => {
    for (;;) {
      const body = Array.from({ length: 500 }, (_, n) => ({ time: n + 1, data: { n } }))
      await client.call(sendState, { params: { applicationId, deviceId }, body })
      answered += 1
      if (answered === 5) underWay.resolve()
    }
  }
  const underWay = Promise.withResolvers<void>()
  const senders = [send(), send(), send()].map((sending) => sending.catch(() => 'the service has closed'))
  await underWay.promise
  assert.equal(await service.stop(), 0)
  await Promise.all(senders)
  assert.deepEqual(processesOf(data.path), [])
})

test('after a crash the next start takes the database server over and loses nothing', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id } = await makeApplication(losant, 'made just before the crash')
  await service.crash()

  await using again = await startService({ dataDir: data.path })
  const later = await signInOfficially(again.url, EMAIL, PASSWORD)
  const application = await later.call<{ name: string }>('application.get', { applicationId: id })
  assert.equal(application.name, 'made just before the crash')
  assert.equal(await again.stop(), 0)
  assert.deepEqual(processesOf(data.path), [])
})

test('a run that its crashed service left behind is run again once its lease is over', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const notebook = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(2)\nprint("once more")')
  const params = { applicationId, notebookId: notebook.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions: {},
  })
  await untilStatus(losant, params, executionId, (status) => status === 'inProgress')
  await service.crash()
  await using again = await startService({ dataDir: data.path })
  const later = await signInOfficially(again.url, EMAIL, PASSWORD)
  const log = await untilStatus(later, params, executionId, (status) => status === 'completed')
  assert.equal(await open(log.outputInfo, 'result.log'), 'once more\n')
})

test('health is told to everybody and names the sandbox', async () => {
  await using service = await startService()
  const response = await fetch(`${service.url}/healthz`)
  const health: { ready: boolean; sandbox: { level: number; name: string } } = JSON.parse(await response.text())
  assert.equal(response.status, 200)
  assert.equal(health.ready, true)
  assert.ok(health.sandbox.level >= 2)
  assert.match(health.sandbox.name, /namespaces/)
})

test('a start that can not work says what to do', async () => {
  await using data = await makeDataDir()
  const occupied = createServer().listen(0, '127.0.0.1')
  try {
    await new Promise((resolve) => occupied.once('listening', resolve))
    const address = occupied.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const taken = await failToStart({ FIELDBOOK_DATA_DIR: data.path, FIELDBOOK_PORT: String(port) })
    assert.equal(taken.exitCode, 1)
    assert.match(taken.output, new RegExp(`Port ${port} is taken.*FIELDBOOK_PORT`))
    assert.deepEqual(processesOf(data.path), [])
  } finally {
    occupied.close()
  }
  const wrong = await failToStart({ FIELDBOOK_PORT: 'eighty', FIELDBOOK_RUN_MINUTES: '-1' })
  assert.match(wrong.output, /FIELDBOOK_PORT=eighty: expected a number from 0 to 65535/)
  assert.match(wrong.output, /FIELDBOOK_RUN_MINUTES=-1: expected a number/)
})
