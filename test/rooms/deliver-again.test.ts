/** Deliveries that go on: replays, the turns of applications and receivers, and who may be mailed how often. */

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import test from 'node:test'
import { newId } from '../../server/ground/ids.ts'
import { createMailer } from '../../server/outgoing/mail.ts'
import { setDeliveryScene as setScene } from '../support/deliveries.ts'
import { makeApplication } from '../support/make.ts'
import { startReceiver } from '../support/receiver.ts'
import { startSmtp } from '../support/smtp.ts'
import { until } from '../support/until.ts'

const LIMIT = { timeout: 60_000 }

test('a replay sends the same again, with the same id, and what became of each try is remembered', LIMIT, async (t) => {
  const { db, open, callBack, replay, settled, states, applicationId } = await setScene(t, { pausesMs: [10] })
  let isUp = false
  const { url, received } = await startReceiver(t, (response) => response.writeHead(isUp ? 204 : 500).end())
  await using _ = await open()
  await callBack(url)
  await settled()
  assert.deepEqual((await states())[0]?.status, 'failed')
  const [{ id } = { id: '' }] = await db.query<{ id: string }>('select id from deliveries')
  await assert.rejects(replay(newId(), id), { kind: 'notFound' })
  isUp = true
  await replay(applicationId, id)
  await settled()
  await replay(applicationId, id)
  await settled()
  assert.deepEqual(await states(), [{ status: 'delivered', tries: 1, error: null }])
  assert.equal(received.length, 4)
  assert.deepEqual(new Set(received.map(({ headers }) => headers['x-fieldbook-delivery'])), new Set([id]))
  assert.equal(new Set(received.map(({ body }) => body)).size, 1)
  const row = await db.one<{ history: { at: string; tookMs: number; error?: string }[] }>(
    'select history from deliveries',
  )
  const message = `${new URL(url).origin} answered with status 500`
  assert.deepEqual(
    row?.history.map(({ error }) => error),
    [message, message, undefined, undefined],
  )
})

test('what still waits for its next try is not replayed', LIMIT, async (t) => {
  const { db, open, callBack, replay, applicationId } = await setScene(t, { pausesMs: [3_600_000] })
  const { url, received } = await startReceiver(t, (response) => response.writeHead(503).end())
  await using _ = await open()
  await callBack(url)
  await until(async () => (await db.query('select from deliveries where next_try_at > now()')).length === 1)
  const [{ id } = { id: '' }] = await db.query<{ id: string }>('select id from deliveries')
  await assert.rejects(replay(applicationId, id), { kind: 'conflict', message: /still waiting to be sent/ })
  assert.equal(received.length, 1)
  assert.deepEqual(await db.query('select turn, tries from deliveries'), [{ turn: 0, tries: 1 }])
})

test('an application replays a number of callbacks an hour, of one delivery or of many', LIMIT, async (t) => {
  const { db, open, callBack, settled, applicationId, replayAtMost } = await setScene(t)
  const { url, received } = await startReceiver(t)
  await using _ = await open()
  for (let n = 0; n < 3; n++) await callBack(url)
  await settled()
  const [one, two] = await db.query<{ id: string }>('select id from deliveries')
  assert.ok(one && two)
  const replay = replayAtMost(2)
  for (const { id } of [one, two]) {
    await replay(applicationId, id)
    await settled()
  }
  await assert.rejects(replay(applicationId, one.id), {
    kind: 'limited',
    message: /replayed 2 callbacks .* may replay 2/,
  })
  assert.equal(received.length, 5)
  await db.query(`update delivery_turns set at = at - interval '1 hour'`)
  await replay(applicationId, one.id)
  await settled()
  assert.equal(received.length, 6)
  assert.deepEqual(await db.query('select count(*)::int as turns from delivery_turns'), [{ turns: 1 }])
})

test('one application with very many dead receivers leaves room for the others', LIMIT, async (t) => {
  const { db, open, tell, callBack } = await setScene(t, { callbackMs: 20_000 })
  const hanging: ServerResponse[] = []
  for (let n = 0; n < 40; n++) {
    const { url } = await startReceiver(t, (response) => hanging.push(response))
    for (let count = 0; count < 2; count++) await callBack(url)
  }
  const quick = await startReceiver(t)
  const other = await makeApplication(db)
  await tell(db, { applicationId: other.id, callback: { url: quick.url, body: {} } })
  await using _ = await open()
  await until(() => quick.received.length === 1)
  assert.equal(hanging.length <= 16, true, `${hanging.length} at a time`)
})

test(
  'mails above the number of an hour, and to addresses that may not be mailed, are in the log and not sent',
  LIMIT,
  async (t) => {
    const smtp = await startSmtp(t)
    const mailer = createMailer({ smtpUrl: smtp.url, from: 'us@example.com' })
    assert.ok(mailer)
    t.after(() => mailer[Symbol.dispose]())
    const mailLimit = { perHour: 3, receivers: ['@example.com', 'boss@elsewhere.com'] }
    const { db, open, tell, replay, applicationId, settled } = await setScene(t, { mailer, mailLimit })
    await using _ = await open()
    const mail = (to: string) => ({ to, subject: 'Done', text: 'It is done.', html: '<p>Done</p>' })
    const other = await makeApplication(db)
    // At once, so that none sees the others unless it waits for them.
    const telling = ['a@Example.com', 'b@example.com', 'boss@elsewhere.com', 'c@example.com', 'd@example.com'].map(
      (to) => db.transaction((tx) => tell(tx, { applicationId, mail: mail(to) })),
    )
    await Promise.all(telling)
    await tell(db, { applicationId: other.id, mail: mail('e@example.com') })
    await tell(db, { applicationId: other.id, mail: mail('example.com@evil.org') })
    await settled()
    assert.equal(smtp.mails.length, 4)
    const refused = await db.query<{ id: string; application_id: string; error: string; tries: number }>(
      `select id, application_id, error, tries from deliveries where status = 'refused' order by created_at`,
    )
    assert.equal(refused.length, 3)
    for (const { error, tries } of refused.slice(0, 2)) {
      assert.match(error, /has sent 3 mails within the last hour, and may send 3 \(FIELDBOOK_MAILS_PER_HOUR\)/)
      assert.equal(tries, 0)
    }
    assert.match(refused[2]?.error ?? '', /example\.com@evil\.org is not among the addresses/)
    const id = refused[0]?.id ?? ''
    await assert.rejects(replay(applicationId, id), { kind: 'limited' })
    await db.query(`update delivery_turns set at = at - interval '1 hour'`)
    // Of one mail that was sent again and again each counts.
    for (let n = 0; n < 3; n++) {
      await replay(applicationId, id)
      await settled()
    }
    await assert.rejects(replay(applicationId, id), { kind: 'limited' })
    assert.equal(smtp.mails.length, 7)
    // No hour resets this.
    const never = replay(other.id, refused[2]?.id ?? '')
    await assert.rejects(never, { kind: 'forbidden', message: /evil\.org is not among the addresses/ })
  },
)
