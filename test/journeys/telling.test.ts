/** Being told of the end of an execution, by mail and by callback: asked for through the official client, on every ending. */

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import {
  getCallbackSecret,
  getDelivery,
  listDeliveries,
  replayDelivery,
  rotateCallbackSecret,
} from '../../contract/deliveries.ts'
import type { ExecutionLog } from '../../contract/executions.ts'
import { type Received, startReceiver } from '../support/receiver.ts'
import { makeApplication, untilStatus } from '../support/steps.ts'
import { execute, heardOf, idsOf, setScene } from '../support/told.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 180_000 }

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
    const ids = { ...params, deliveryId: first?.id ?? '' }
    await assert.rejects(ours.call(replayDelivery, { params: ids }), { status: 409, type: 'Conflict' })
    isUp = true
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
