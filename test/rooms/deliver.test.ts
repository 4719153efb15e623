/** Deliveries against real receivers: signed, tried again, at least once, and one receiver holds up nobody else. */

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import test from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { DELIVERIES, openQueue } from '../../server/jobs/queue.ts'
import { createMailer } from '../../server/outgoing/mail.ts'
import { SECRET, setDeliveryScene as setScene } from '../support/deliveries.ts'
import { startReceiver } from '../support/receiver.ts'
import { startSmtp } from '../support/smtp.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 60_000 }

test(
  'a callback comes once, as JSON, with a delivery id and a signature that its receiver can check',
  LIMIT,
  async (t) => {
    const { open, callBack, states, settled } = await setScene(t)
    const { url, received } = await startReceiver(t, (response) => response.end())
    await using _ = await open()
    await callBack(url, { jobId: 'x', name: 'größer' })
    await settled()
    const [one] = received
    assert.ok(one)
    assert.deepEqual(JSON.parse(one.body), { jobId: 'x', name: 'größer' })
    assert.match(String(one.headers['x-fieldbook-delivery']), /^[0-9a-f]{24}$/)
    const [, at, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(one.headers['x-fieldbook-signature'])) ?? []
    assert.equal(createHmac('sha256', SECRET).update(`${at}.${one.body}`).digest('hex'), signature)
    assert.deepEqual(await states(), [{ status: 'delivered', tries: 1, error: null }])
  },
)

test('a receiver that fails is tried again with the same id and body, six times and no more', LIMIT, async (t) => {
  const { open, callBack, states, settled } = await setScene(t)
  const mending = await startReceiver(t, (response, count) => response.writeHead(count < 3 ? 503 : 204).end())
  const broken = await startReceiver(t, (response) => response.writeHead(500).end('an inner secret'))
  await using _ = await open()
  await callBack(mending.url)
  await callBack(broken.url)
  await settled()
  assert.equal(mending.received.length, 3)
  assert.equal(broken.received.length, 6)
  for (const { received } of [mending, broken]) {
    assert.equal(new Set(received.map(({ headers }) => headers['x-fieldbook-delivery'])).size, 1)
    assert.equal(new Set(received.map(({ body }) => body)).size, 1)
  }
  assert.deepEqual(await states(), [
    { status: 'delivered', tries: 3, error: null },
    { status: 'failed', tries: 6, error: `${new URL(broken.url).origin} answered with status 500` },
  ])
})

test('a receiver that never answers, with very many deliveries, holds up nobody else', LIMIT, async (t) => {
  const { open, callBack, db } = await setScene(t, { callbackMs: 20_000 })
  const held: ServerResponse[] = []
  const silent = await startReceiver(t, (response) => held.push(response))
  const quick = await startReceiver(t, (response) => response.end())
  for (let n = 0; n < 100; n++) await callBack(silent.url)
  for (let n = 0; n < 5; n++) await callBack(quick.url)
  await using _ = await open()
  await until(() => quick.received.length === 5)
  assert.equal(silent.received.length, 2)
  assert.equal(held.length, 2)
  assert.deepEqual(
    await db.one(`select count(*)::int as waiting from deliveries where status = 'waiting' and target = $1`, [
      silent.url,
    ]),
    {
      waiting: 100,
    },
  )
})

test('a slow receiver is given up for this time at the limit', LIMIT, async (t) => {
  const { open, callBack, states, settled } = await setScene(t, { callbackMs: 100, pausesMs: [] })
  const { url } = await startReceiver(t, () => {})
  await using _ = await open()
  await callBack(url)
  await settled()
  const [state] = await states()
  assert.deepEqual([state?.status, state?.tries], ['failed', 1])
  assert.match(String(state?.error), /did not answer completely within 0\.1 s/)
})

test('private addresses are not called unless that is allowed', LIMIT, async (t) => {
  const { open, callBack, states, settled } = await setScene(t, { allowPrivate: false, pausesMs: [] })
  const { url, received } = await startReceiver(t, (response) => response.end())
  await using _ = await open()
  await callBack(url)
  await callBack('http://localhost:1/')
  await settled()
  assert.equal(received.length, 0)
  for (const { status, error } of await states()) {
    assert.equal(status, 'failed')
    assert.match(String(error), /is at a private address/)
  }
})

test(
  'what is under way when the service closes is sent by the next one, without a try being counted',
  LIMIT,
  async (t) => {
    const { open, callBack, states, settled } = await setScene(t)
    let mayAnswer = false
    const { url, received } = await startReceiver(t, (response) => {
      if (mayAnswer) response.end()
    })
    const first = await open()
    await callBack(url)
    await until(() => received.length === 1)
    await first[Symbol.asyncDispose]()
    assert.deepEqual(await states(), [{ status: 'waiting', tries: 0, error: null }])
    mayAnswer = true
    await using _ = await open()
    await settled()
    assert.deepEqual(await states(), [{ status: 'delivered', tries: 1, error: null }])
    assert.equal(received[0]?.headers['x-fieldbook-delivery'], received[1]?.headers['x-fieldbook-delivery'])
  },
)

test('a delivery whose sender died comes back when its time is over, and is sent by another', LIMIT, async (t) => {
  const { db, open, callBack, states, settled } = await setScene(t)
  const { url, received } = await startReceiver(t, (response) => response.end())
  const dead = await openQueue(db, { supervise: false, log: createLog('silent') })
  await callBack(url)
  assert.equal((await dead.take(db, DELIVERIES, 1)).length, 1)
  await dead[Symbol.asyncDispose]()
  await using _ = await open()
  assert.deepEqual(await dead.take(db, DELIVERIES, 1), [], 'it is out, for as long as it may be')
  await db.query(`update fieldbook_queue.job set started_on = now() - interval '1 hour'`)
  const supervising = await openQueue(db, { supervise: true, superviseSeconds: 1, log: createLog('silent') })
  t.after(() => supervising[Symbol.asyncDispose]())
  await settled()
  assert.equal(received.length, 1)
  assert.deepEqual(await states(), [{ status: 'delivered', tries: 1, error: null }])
})

test('nobody is told by a transaction that is rolled back', LIMIT, async (t) => {
  const { db, tell, applicationId } = await setScene(t)
  const failing = db.transaction(async (tx) => {
    await tell(tx, { applicationId, callback: { url: 'http://example.com/', body: {} } })
    throw new Error('undone')
  })
  await assert.rejects(failing, /undone/)
  assert.deepEqual(await db.query('select id from deliveries'), [])
  assert.deepEqual(await db.query('select id from fieldbook_queue.job'), [])
})

test('a mail is sent to its one address, and again when the server turns it away', LIMIT, async (t) => {
  const smtp = await startSmtp(t, { refuse: 1 })
  const mailer = createMailer({ smtpUrl: smtp.url, from: 'Fieldbook <us@example.com>' })
  assert.ok(mailer)
  t.after(() => mailer[Symbol.dispose]())
  const { open, tell, db, applicationId, states, settled } = await setScene(t, { mailer })
  await using _ = await open()
  const mail = {
    to: 'them@example.com',
    subject: 'Export: done\r\nBcc: other@example.com',
    text: 'It is done.\nhttp://here/a\n',
    html: '<p>It is <b>done</b>.</p>',
  }
  await tell(db, { applicationId, mail })
  await settled()
  assert.deepEqual(await states(), [{ status: 'delivered', tries: 2, error: null }])
  const [got] = smtp.mails
  assert.deepEqual([smtp.mails.length, got?.from, got?.to], [1, 'us@example.com', ['them@example.com']])
  assert.match(got?.source ?? '', /^Subject: Export: done Bcc: other@example\.com$/m)
  assert.match(got?.source ?? '', /^http:\/\/here\/a$/m)
  assert.match(got?.source ?? '', /^<p>It is <b>done<\/b>\.<\/p>$/m)
  assert.match(got?.source ?? '', /^Auto-Submitted: auto-generated$/m)
  assert.match(got?.source ?? '', /^Message-ID: <[0-9a-f]{24}@fieldbook>$/m)
})

test('without a mail server mails are kept, and nothing fails', LIMIT, async (t) => {
  const { open, tell, db, applicationId, settled } = await setScene(t)
  await using _ = await open()
  await tell(db, {
    applicationId,
    mail: { to: 'them@example.com', subject: 'Done', text: 'It is done.', html: '<p>Done</p>' },
  })
  await settled()
  assert.deepEqual(await db.one('select target, subject, body, status, tries from deliveries'), {
    target: 'them@example.com',
    subject: 'Done',
    body: 'It is done.',
    status: 'kept',
    tries: 1,
  })
})
