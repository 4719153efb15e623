/** Being told of the end of an execution, by mail and by callback: asked for through the official client, on every ending. */

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import {
  getCallbackSecret,
  getDelivery,
  listDeliveries,
  replayDelivery,
  rotateCallbackSecret,
} from '../../contract/deliveries.ts'
import { cancelExecution, type ExecutionLog } from '../../contract/executions.ts'
import type { Notebook, NotebookPost } from '../../contract/notebooks.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { partOf, startSmtp, type TestMail } from '../support/smtp.ts'
import { makeApplication, makeNotebook, untilStatus } from '../support/steps.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 180_000 }
/** An item that was just being looked at by the dead comes back to the queue after two to three minutes. */
const LONG = { timeout: 300_000 }
/** One run at a time, of 6 seconds at most. */
const ENV = {
  FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
  FIELDBOOK_SLOTS: '1',
  FIELDBOOK_RUN_MINUTES: '0.1',
}

/** What a callback posts. */
interface Told {
  readonly success: boolean
  readonly applicationId: string
  readonly notebook: Notebook
  readonly execution: ExecutionLog
}

const toldOf = ({ told }: Receiver) => told as unknown as Told[] // what our own service posts

const idsOf = ({ applicationId, id }: Notebook) => ({ applicationId, notebookId: id })

async function execute(losant: Official, notebook: Notebook, executionOptions: object): Promise<string> {
  const params = { ...idsOf(notebook), executionOptions }
  return (await losant.call<{ executionId: string }>('notebook.execute', params)).executionId
}

async function setScene(t: TestContext, env: Record<string, string> = {}) {
  const [smtp, receiver] = [await startSmtp(t), await startReceiver(t)]
  const service = await startService({ env: { ...ENV, FIELDBOOK_SMTP_URL: smtp.url, ...env } })
  t.after(() => service[Symbol.asyncDispose]())
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant, 'A <plant> & more')
  const make = (post: Partial<NotebookPost>, ...cells: string[]) => makeNotebook(losant, applicationId, post, ...cells)
  const ours = await signIn(service.url, EMAIL, PASSWORD)
  // This version of the official client has no call for it.
  const cancel = (notebook: Notebook, executionId: string) =>
    ours.call(cancelExecution, { params: idsOf(notebook), query: { executionId } })
  return { losant, ours, applicationId, make, cancel, receiver, mails: smtp.mails }
}

/** The mail and the callback of an execution, once both have come. */
async function heardOf(executionId: string, receiver: Receiver, mails: readonly TestMail[]) {
  const isIt = ({ execution }: Told) => execution.id === executionId
  const mailOf = () => mails.find((mail) => partOf(mail, 'text/plain').includes(executionId))
  await until(() => toldOf(receiver).some(isIt) && mailOf() !== undefined)
  const [told, mail] = [toldOf(receiver).find(isIt), mailOf()]
  assert.ok(told && mail)
  return { told, text: partOf(mail, 'text/plain'), page: partOf(mail, 'text/html'), mail }
}

test(
  'completed, errored, timeout, canceled and canceled in the queue are each told once, to both',
  LIMIT,
  async (t) => {
    const { losant, make, cancel, receiver, mails, applicationId } = await setScene(t)
    const asked = { email: 'ann@example.com', callbackUrl: receiver.url }
    const good = await make(
      {
        name: 'Über <b>all</b>',
        outputs: [
          { outputType: 'executionResult', fileName: 'result.log' },
          { outputType: 'temporaryUrl', fileName: 'mean.csv' },
        ],
      },
      'import os\nopen(os.path.join(os.environ["OUTPUT_DIR"], "mean.csv"), "w").write("a\\n1\\n")\nprint("said")',
    )
    const completed = await execute(losant, good, asked)
    const one = await heardOf(completed, receiver, mails)
    assert.deepEqual(Object.keys(one.told), ['success', 'applicationId', 'notebook', 'execution'])
    assert.deepEqual([one.told.success, one.told.applicationId], [true, applicationId])
    const log = await untilStatus(losant, idsOf(good), completed, (status) => status === 'completed')
    assert.deepEqual(one.told.execution, log, 'the callback holds the log as it is read')
    assert.deepEqual(
      [one.told.notebook.id, one.told.notebook.name, one.told.notebook.outputs.length],
      [good.id, 'Über <b>all</b>', 2],
    )
    assert.equal((await fetch(one.told.notebook.jupyterFileUrl ?? '')).status, 200)
    const link = one.told.execution.outputInfo['mean.csv']?.url ?? ''
    assert.equal(await (await fetch(link)).text(), 'a\n1\n')
    assert.deepEqual(one.mail.to, ['ann@example.com'])
    assert.match(one.text, /^The notebook "Über <b>all<\/b>" has completed\.$/m)
    assert.ok(one.text.includes(`mean.csv\n${link}`))
    assert.ok(one.page.includes(`href="${link.replaceAll('&', '&amp;')}"`))
    assert.ok(one.page.includes('Über &lt;b&gt;all&lt;/b&gt;') && one.page.includes('A &lt;plant&gt; &amp; more'))
    assert.doesNotMatch(one.page, /<b>|<script|<img|src=/)

    const bad = await make({ name: 'Bad' }, 'print(1)', 'def inner():\n    return 1 / 0\ninner()')
    const failed = await heardOf(await execute(losant, bad, asked), receiver, mails)
    assert.deepEqual([failed.told.success, failed.told.execution.status], [false, 'errored'])
    assert.equal(failed.told.execution.executionErrors[0]?.name, 'CellError')
    assert.ok('result.ipynb' in failed.told.execution.outputInfo)
    assert.match(failed.text, /^The notebook "Bad" has failed\.$/m)
    assert.match(
      failed.text,
      /^CellError: Cell \[2\] \(cell 2 of the notebook\) raised ZeroDivisionError: division by zero$/m,
    )
    assert.match(failed.text, /^ {4}.*return 1 \/ 0$/m)
    assert.match(failed.text, /^ {4}ZeroDivisionError: division by zero$/m)
    assert.match(failed.text, /^Failing cell: \[2\]$/m)
    assert.match(failed.page, /<pre [^>]*>[^<]*return 1 \/ 0/)

    const endless = await make({ name: 'Endless' }, 'while True: pass')
    const late = await execute(losant, endless, asked)
    const behind = await execute(losant, good, asked)
    await untilStatus(losant, idsOf(endless), late, (status) => status === 'inProgress')
    await cancel(good, behind)
    const queued = await heardOf(behind, receiver, mails)
    assert.deepEqual([queued.told.success, queued.told.execution.status], [false, 'canceled'])
    assert.equal(queued.told.execution.runStartedAt, undefined)
    assert.match(queued.text, /was canceled\.$/m)
    const timeout = await heardOf(late, receiver, mails)
    assert.deepEqual([timeout.told.execution.status, timeout.told.success], ['timeout', false])
    assert.match(timeout.text, /^The notebook "Endless" ran out of time\.\n\nRunTimeout: /m)

    const running = await execute(losant, endless, asked)
    await untilStatus(losant, idsOf(endless), running, (status) => status === 'inProgress')
    await cancel(endless, running)
    const canceled = await heardOf(running, receiver, mails)
    assert.equal(canceled.told.execution.status, 'canceled')
    assert.equal(canceled.told.execution.executionErrors[0]?.name, 'Canceled')

    // Nobody is told who did not ask, and nobody twice: what comes last would come after anything else.
    await untilStatus(losant, idsOf(good), await execute(losant, good, {}), (status) => status === 'completed')
    await heardOf(await execute(losant, good, asked), receiver, mails)
    assert.deepEqual([receiver.told.length, mails.length], [6, 6])
    const ids = receiver.received.map(({ headers }) => headers['x-fieldbook-delivery'])
    assert.equal(new Set(ids).size, 6)
  },
)

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

test(
  'what was told can be read, with each try, and told again; every application signs with a secret of its own',
  LIMIT,
  async (t) => {
    let isUp = false
    const receiver = await startReceiver(t, (response) => response.writeHead(isUp ? 204 : 503).end())
    // Without a mail server.
    const { losant, ours, make, applicationId } = await setScene(t, { FIELDBOOK_SMTP_URL: '' })
    const params = { applicationId }
    const notebook = await make({ name: 'Told' }, '1')
    const executionId = await execute(losant, notebook, { email: 'ann@example.com', callbackUrl: receiver.url })
    const list = (query: object) => ours.call(listDeliveries, { params, query: { aboutId: executionId, ...query } })
    await until(async () => (await list({ status: 'kept' })).count === 1 && receiver.received.length === 1)
    assert.equal((await losant.call<ExecutionLog[]>('notebook.logs', idsOf(notebook)))[0]?.status, 'completed')

    const [kept] = (await list({ kind: 'mail' })).items
    assert.deepEqual(
      [kept?.target, kept?.status, kept?.subject, kept?.aboutType, kept?.aboutId],
      ['ann@example.com', 'kept', 'Told: completed', 'execution', executionId],
    )
    const mail = await ours.call(getDelivery, { params: { ...params, deliveryId: kept?.id ?? '' } })
    assert.match(mail.body, /^The notebook "Told" has completed\.$/m)
    assert.match(mail.html ?? '', /<h1 /)

    const waiting = async () => (await list({ kind: 'callback' })).items[0]
    await until(async () => (await waiting())?.nextTryDate !== undefined)
    const first = await waiting()
    assert.deepEqual([first?.status, first?.tries], ['waiting', 1])
    assert.match(first?.error ?? '', /answered with status 503$/)
    isUp = true
    const ids = { ...params, deliveryId: first?.id ?? '' }
    await ours.call(replayDelivery, { params: ids })
    await until(async () => (await waiting())?.status === 'delivered')
    const details = await ours.call(getDelivery, { params: ids })
    assert.deepEqual(
      details.history.map(({ error }) => error !== undefined),
      [true, false],
    )
    assert.equal(receiver.received[1]?.body, details.body)
    for (const { headers } of receiver.received) assert.equal(headers['x-fieldbook-delivery'], first?.id)

    const other = (await makeApplication(losant)).id
    for (const route of [getDelivery, replayDelivery]) {
      const foreign = ours.call(route, { params: { ...ids, applicationId: other } })
      await assert.rejects(foreign, { status: 404, type: 'NotFound' })
    }
    assert.equal((await ours.call(listDeliveries, { params: { applicationId: other } })).totalCount, 0)

    const { secret } = await ours.call(getCallbackSecret, { params })
    assert.notEqual(secret, (await ours.call(getCallbackSecret, { params: { applicationId: other } })).secret)
    const isSignedWith = ({ headers, body }: Received, key: string) => {
      const [, at] = /^t=(\d+),/.exec(String(headers['x-fieldbook-signature'])) ?? []
      const hmac = createHmac('sha256', key).update(`${at}.${body}`).digest('hex')
      return String(headers['x-fieldbook-signature']).includes(`v1=${hmac}`)
    }
    assert.deepEqual(
      receiver.received.map((one) => isSignedWith(one, secret)),
      [true, true],
    )
    const { secret: next, previousUntil } = await ours.call(rotateCallbackSecret, { params })
    assert.ok(next !== secret && previousUntil !== undefined)
    await ours.call(replayDelivery, { params: ids })
    await until(() => receiver.received.length === 3)
    const [, , latest] = receiver.received
    assert.ok(latest && isSignedWith(latest, next) && isSignedWith(latest, secret))
  },
)

test('a receiver that never answers keeps nobody else from being told, nor a run from ending', LIMIT, async (t) => {
  const dead = await startReceiver(t, () => {})
  const { losant, ours, make, receiver, mails, applicationId } = await setScene(t)
  const notebook = await make({}, '1')
  for (let n = 0; n < 5; n++) await execute(losant, notebook, { callbackUrl: dead.url })
  const told = await execute(losant, notebook, { callbackUrl: receiver.url, email: 'ann@example.com' })
  await heardOf(told, receiver, mails)
  const waiting = await ours.call(listDeliveries, { params: { applicationId }, query: { status: 'waiting' } })
  assert.equal(waiting.totalCount, 5)
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
