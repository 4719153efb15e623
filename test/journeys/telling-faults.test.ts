/** Being told of an end when something is wrong: services that are killed, receivers that hang, notebooks that are gone. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signIn } from '../../client/client.ts'
import { listDeliveries } from '../../contract/deliveries.ts'
import { type ExecutionLog, getExecution } from '../../contract/executions.ts'
import type { Notebook } from '../../contract/notebooks.ts'
import { signInOfficially } from '../support/official.ts'
import { startReceiver } from '../support/receiver.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'
import { makeApplication, makeNotebook, untilStatus } from '../support/steps.ts'
import { ENV, execute, heardOf, idsOf, setScene, toldOf } from '../support/told.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 180_000 }
/** An item that was just being looked at by the dead comes back to the queue after two to three minutes. */
const LONG = { timeout: 300_000 }

test('deleting a notebook tells that what waits and what runs of it was canceled', LIMIT, async (t) => {
  const { losant, make, receiver } = await setScene(t)
  const notebook = await make({ name: 'Gone' }, 'while True: pass')
  const running = await execute(losant, notebook, { callbackUrl: receiver.url })
  const waiting = await execute(losant, notebook, { callbackUrl: receiver.url })
  await untilStatus(losant, idsOf(notebook), running, (status) => status === 'inProgress')
  await losant.call('notebook.delete', idsOf(notebook))
  await until(() => receiver.told.length === 2)
  const statuses = toldOf(receiver).map(({ execution }) => [execution.id, execution.status])
  assert.deepEqual(Object.fromEntries(statuses), { [running]: 'canceled', [waiting]: 'canceled' })
})

test(
  'a service that is killed between an end and its delivery leaves it to the next one, which delivers it once',
  LONG,
  async (t) => {
    await using data = await makeDataDir()
    // The first two are never answered. Two go to a receiver at a time, so the third one waits although its run has ended.
    const receiver = await startReceiver(t, (response, count) => {
      if (count > 2) response.end()
    })
    const start = () => startService({ dataDir: data.path, env: ENV })
    await using service = await start()
    const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
    const { id } = await makeApplication(losant)
    const notebook = await makeNotebook(losant, id, {}, '1')
    const asked = { callbackUrl: receiver.url }
    const early = [await execute(losant, notebook, asked), await execute(losant, notebook, asked)]
    await until(() => receiver.received.length === 2)
    const third = await execute(losant, notebook, asked)
    await untilStatus(losant, idsOf(notebook), third, (status) => status === 'completed')
    await service.crash()
    assert.deepEqual(
      toldOf(receiver)
        .map(({ execution }) => execution.id)
        .toSorted(),
      early.toSorted(),
    )

    await using again = await start()
    await until(() => toldOf(receiver).some(({ execution }) => execution.id === third))
    const later = await signInOfficially(again.url, EMAIL, PASSWORD)
    await untilStatus(later, idsOf(notebook), await execute(later, notebook, asked), (status) => status === 'completed')
    await until(() => receiver.received.length >= 4)
    assert.equal(toldOf(receiver).filter(({ execution }) => execution.id === third).length, 1)
  },
)

test('a receiver that never answers keeps nobody else from being told, nor a run from ending', LIMIT, async (t) => {
  const dead = await startReceiver(t, () => {})
  const { losant, ours, make, receiver, mails, applicationId } = await setScene(t)
  const notebook = await make({}, '1')
  for (let n = 0; n < 5; n++) await execute(losant, notebook, { callbackUrl: dead.url })
  const told = await execute(losant, notebook, { callbackUrl: receiver.url, email: 'ann@example.com' })
  await heardOf(told, receiver, mails)
  const query = { status: 'waiting' } as const
  await until(async () => (await ours.call(listDeliveries, { params: { applicationId }, query })).totalCount === 5)
  const logs = await losant.call<ExecutionLog[]>('notebook.logs', { ...idsOf(notebook), limit: 10 })
  assert.deepEqual(
    logs.map(({ status }) => status),
    Array(6).fill('completed'),
  )
})

test('a callback to a private address is not made, and the log says why', LIMIT, async (t) => {
  const { losant, ours, make, receiver, applicationId } = await setScene(t, {
    FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'false',
  })
  const notebook = await make({}, '1')
  await execute(losant, notebook, { callbackUrl: receiver.url })
  const look = () => ours.call(listDeliveries, { params: { applicationId } })
  await until(async () => (await look()).items[0]?.error !== undefined)
  assert.match((await look()).items[0]?.error ?? '', /is at a private address/)
  assert.deepEqual(receiver.received, [])
})

test(
  'a run whose service is killed under each of its attempts is told as WorkerLost, by the service after',
  LONG,
  async (t) => {
    await using data = await makeDataDir()
    const [smtp, receiver] = [await startSmtp(t), await startReceiver(t)]
    const env = { ...ENV, FIELDBOOK_RUN_MINUTES: '10', FIELDBOOK_SMTP_URL: smtp.url }
    let asked: { notebook: Notebook; executionId: string } | undefined
    for (let attempt = 1; attempt <= 3; attempt++) {
      await using service = await startService({ dataDir: data.path, env })
      const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
      if (!asked) {
        const { id } = await makeApplication(losant)
        const notebook = await makeNotebook(losant, id, { name: 'Unlucky' }, 'import time\ntime.sleep(600)')
        const options = { email: 'ann@example.com', callbackUrl: receiver.url }
        asked = { notebook, executionId: await execute(losant, notebook, options) }
      }
      const ours = await signIn(service.url, EMAIL, PASSWORD)
      const params = { ...idsOf(asked.notebook), executionId: asked.executionId }
      const look = () => ours.call(getExecution, { params })
      await until(async () => (await look()).attempt === attempt && (await look()).status === 'inProgress')
      await service.crash()
    }
    await using _ = await startService({ dataDir: data.path, env })
    const { told, text } = await heardOf(asked?.executionId ?? '', receiver, smtp.mails)
    assert.deepEqual([told.success, told.execution.status], [false, 'errored'])
    assert.deepEqual(
      told.execution.executionErrors.map(({ name }) => name),
      ['WorkerLost'],
    )
    assert.match(text, /^WorkerLost: This was started 3 times/m)
  },
)
