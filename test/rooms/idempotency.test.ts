/** The same request with the same Idempotency-Key: done once, answered the same, whatever happens in between. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { dropKeys } from '../../server/access/idempotency-keys.ts'
import { openDoor } from '../support/door.ts'
import { makeCells, makeNotebook, makePass, makeUser } from '../support/make.ts'
import { until, untilBlocked } from '../support/until.ts'

/** The door, with what counts and ages things; every request has the key unless another is given. */
async function openKeyed(t: Parameters<typeof openDoor>[0], key = 'a-key') {
  const door = await openDoor(t)
  const { db, ask, base, blobs, application } = door
  const post = async (path: string, body: object, headers: object = { 'idempotency-key': key }) => {
    const { status, text, headers: told } = await ask('POST', path, body, headers)
    return { status, text, told, body: JSON.parse(text), isReplay: told['idempotency-replayed'] === 'true' }
  }
  const count = async (table: 'notebooks' | 'executions' | 'idempotency_keys') =>
    (await db.one<{ count: number }>(`select count(*)::int as count from ${table}`))?.count
  const state = async () => (await db.one<{ state: string }>('select state from idempotency_keys'))?.state
  /** As if whoever was at it had died a while ago. */
  const abandon = (to: 'underWay' | 'settled') =>
    db.query(`update idempotency_keys set state = $1, lease_until = now() - interval '1 second'`, [to])
  const notebook = await makeCells({ db, blobs }, ['1'], { applicationId: application.id })
  const execute = `${base}/notebooks/${notebook.id}/execute`
  return { ...door, post, count, state, abandon, execute }
}

test('ten at once are one deed; the others are told to wait, and then the same answer', async (t) => {
  const { post, count, execute, base } = await openKeyed(t)
  for (const [path, body, table] of [
    [execute, {}, 'executions'],
    [`${base}/notebooks`, { name: 'made once' }, 'notebooks'],
  ] as const) {
    const before = Number(await count(table))
    const headers = { 'idempotency-key': `for ${table}`.replace(' ', '-') }
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, body, headers)))
    assert.equal(await count(table), before + 1)
    const [first, ...more] = answers.filter(({ status, isReplay }) => status < 300 && !isReplay)
    assert.ok(first && more.length === 0, JSON.stringify(answers.map(({ status }) => status)))
    for (const { status, text, isReplay, told } of answers.filter((answer) => answer !== first)) {
      if (isReplay) assert.equal(text, first.text)
      else assert.deepEqual([status, told['retry-after']], [409, '2'], text)
    }
    const again = await post(path, body, headers)
    assert.deepEqual([again.isReplay, again.status, again.text], [true, first.status, first.text])
    assert.equal(again.told['content-type'], first.told['content-type'])
  }
})

test('what is kept of a request can not be guessed at with the database alone', async (t) => {
  const { post, db } = await openKeyed(t)
  const body = { email: 'someone@example.com', password: 'a guess at a password' }
  await post('/me/delete', body)
  const [kept] = await db.query<{ fingerprint: Buffer }>('select fingerprint from idempotency_keys')
  const plain = JSON.stringify(['POST', '/me/delete', {}, {}, body])
  assert.equal(kept?.fingerprint.length, 32)
  assert.notDeepEqual(kept?.fingerprint, createHash('sha256').update(plain).digest())
})

test('a key stands for one request of one caller', async (t) => {
  const { post, db, tokens, application, base, count } = await openKeyed(t)
  const path = `${base}/notebooks`
  const first = await post(path, { name: 'n', inputs: [], outputs: [] })
  assert.equal(first.status, 201)
  const reordered = await post(`${path}/`, { outputs: [], name: 'n', inputs: [] })
  assert.deepEqual([reordered.isReplay, reordered.text], [true, first.text])
  for (const [where, body] of [
    [path, { name: 'another' }],
    [`${path}?_links=false`, { name: 'n', inputs: [], outputs: [] }],
    [`${base}/devices`, { name: 'n' }],
  ] as const) {
    const { status, body: told } = await post(where, body)
    assert.deepEqual([status, told.type], [422, 'Validation'])
    assert.match(told.message, /stands for another request of yours/)
  }
  const other = await makeUser(db)
  await db.query(`insert into application_members (application_id, user_id, role) values ($1, $2, 'editor')`, [
    application.id,
    other,
  ])
  const token = await tokens.sign({ kind: 'user', userId: other, scope: ['all.User'] }, 0)
  const theirs = await post(path, { name: 'theirs' }, { 'idempotency-key': 'a-key', authorization: `Bearer ${token}` })
  assert.deepEqual([theirs.status, theirs.isReplay], [201, false])
  assert.equal(await count('notebooks'), 3)
})

test('another scope of the same user is told no earlier answer, a newer token of the same scope is', async (t) => {
  const { post, tokens, application, base, count } = await openKeyed(t)
  const as = async (...scope: string[]) => ({
    'idempotency-key': 'a-key',
    authorization: `Bearer ${await tokens.sign({ kind: 'user', userId: application.ownerId, scope }, 60)}`,
  })
  const make = async (...scope: string[]) => post(`${base}/notebooks`, { name: 'n' }, await as(...scope))
  const first = await make('notebook.*', 'notebooks.*')
  assert.equal(first.status, 201, first.text)
  const again = await make('notebooks.*', 'notebook.*')
  assert.deepEqual([again.isReplay, again.text], [true, first.text])
  for (const scope of [['notebooks.post'], ['all.User']]) {
    const { status, isReplay, text } = await make(...scope)
    assert.deepEqual([status, isReplay, text.includes(first.body.id)], [422, false, false])
  }
  assert.equal(await count('notebooks'), 2)
})

test('who may not do it any more is not told the answer either', async (t) => {
  const { post, db, base, application } = await openKeyed(t)
  await post(`${base}/notebooks`, { name: 'n' })
  await db.query('update applications set owner_id = $2 where id = $1', [application.id, await makeUser(db)])
  // That the owner is another one is told to the service a moment after it is so; until then the first answer is told again.
  const again = () => post(`${base}/notebooks`, { name: 'n' })
  await until(async () => {
    const { status, isReplay } = await again()
    assert.ok(status === 404 || isReplay)
    return status === 404
  })
})

test('an owner of the installation who is none any more is not told the answer either', async (t) => {
  const { post, db, application } = await openKeyed(t)
  const owns = (is: boolean) => db.query('update users set is_owner = $2 where id = $1', [application.ownerId, is])
  await owns(true)
  const invite = () => post('/users', { email: 'ann@example.com', isOwner: true })
  const made = await invite()
  assert.equal(made.status, 201, made.text)
  assert.deepEqual((await invite()).body.invitation, made.body.invitation)
  await owns(false)
  const refused = await invite()
  assert.deepEqual([refused.status, refused.isReplay, refused.body.type], [403, false, 'Forbidden'])
  // The refusal was of that moment, and is not told again instead of the answer.
  await owns(true)
  assert.deepEqual((await invite()).body.invitation, made.body.invitation)
})

test('a refusal is told again, unless it is about this moment; a fault is tried again', async (t) => {
  const { post, db, base, application, execute, state } = await openKeyed(t)
  const { id } = await makeNotebook(db, { applicationId: application.id })
  const empty = `${base}/notebooks/${id}/execute`
  const refused = await post(empty, {})
  assert.deepEqual([refused.status, refused.isReplay], [400, false])
  const again = await post(empty, {})
  assert.deepEqual([again.status, again.isReplay, again.text], [400, true, refused.text])

  await db.query('delete from idempotency_keys')
  await db.query('alter table executions rename to gone')
  assert.equal((await post(execute, {})).status, 500)
  assert.equal(await state(), undefined)
  await db.query('alter table gone rename to executions')
  const done = await post(execute, {})
  assert.deepEqual([done.status, done.isReplay], [200, false], done.text)
})

test('an execution whose answer was lost is neither lost nor queued twice', async (t) => {
  const { post, count, abandon, execute } = await openKeyed(t)
  const first = await post(execute, {})
  await abandon('settled') // it died after the commit that queued the execution
  const replayed = await post(execute, {})
  assert.deepEqual([replayed.isReplay, replayed.status, replayed.text], [true, 200, first.text])
  await abandon('underWay') // it died before: nothing was queued, which is what the row says
  const again = await post(execute, {})
  assert.deepEqual([again.isReplay, again.status], [false, 200])
  assert.notEqual(again.body.executionId, first.body.executionId)
  assert.equal(await count('executions'), 2)
})

test('who was taken for dead queues nothing when it goes on', async (t) => {
  const { post, count, db, execute } = await openKeyed(t)
  // Holds back what queues executions, as a slow database would.
  const blocker = await db.connect()
  await blocker.query('begin; lock table executions in share mode')
  const slow = post(execute, {})
  await untilBlocked(db)
  await db.query(`update idempotency_keys set lease_until = now() - interval '1 second'`)
  const second = post(execute, {})
  await until(async () => (await db.query('select from idempotency_keys where attempt = 2')).length === 1)
  await blocker.query('rollback')
  await blocker[Symbol.asyncDispose]()
  const [zombie, heir] = await Promise.all([slow, second])
  assert.deepEqual([zombie.status, heir.status], [409, 200], zombie.text)
  assert.match(zombie.body.message, /has taken the place of this one/)
  assert.equal(await count('executions'), 1)
  const replayed = await post(execute, {})
  assert.deepEqual([replayed.isReplay, replayed.text], [true, heir.text])
})

test('of other requests nobody claims to know whether they were done before the service died', async (t) => {
  const { post, count, abandon, base } = await openKeyed(t)
  const before = await post(`${base}/notebooks`, { name: 'n' })
  await abandon('underWay')
  const { status, body, told } = await post(`${base}/notebooks`, { name: 'n' })
  assert.deepEqual([before.status, status, body.type, told['retry-after']], [201, 409, 'Conflict', undefined])
  assert.match(body.message, /whether it was done is not known; look, and ask with a new key/)
  assert.equal(await count('notebooks'), 2)
})

test('the database does not show what was answered, nor the key', async (t) => {
  const { post, db, base } = await openKeyed(t, 'a-key-of-mine')
  await post(`${base}/notebooks`, { name: 'a telling name' })
  const row = await db.one<{ text: string; answer: Buffer }>(
    'select idempotency_keys::text as text, answer from idempotency_keys',
  )
  assert.ok(row && row.answer.length > 100)
  assert.ok(!row.answer.includes('telling') && !row.text.includes('telling') && !row.text.includes('a-key-of-mine'))
})

test('an answer that is too large is not kept, and nothing is done again', async (t) => {
  const { post, base, count } = await openKeyed(t)
  const body = { name: 'n', description: 'x'.repeat(32_767) }
  const globals = { name: 'large', globals: ['a', 'b', 'c'].map((key) => ({ key, json: `"${'x'.repeat(25_000)}"` })) }
  const first = await post('/applications', globals)
  assert.equal(first.status, 201, first.text)
  const again = await post('/applications', globals)
  assert.equal(again.status, 409)
  assert.match(again.body.message, /was answered with 201, and nothing was done again; its answer was too large/)
  const small = { 'idempotency-key': 'small' }
  assert.equal((await post(`${base}/notebooks`, body, small)).status, 201)
  assert.equal((await post(`${base}/notebooks`, body, small)).isReplay, true)
  assert.equal(await count('idempotency_keys'), 2)
})

test('keys end after a day, and so many are kept for a caller', async (t) => {
  const { post, base, count, db } = await openKeyed(t)
  const path = `${base}/notebooks`
  await post(path, { name: 'n' })
  await db.query(`update idempotency_keys set created_at = now() - interval '24 hours 1 second'`)
  assert.deepEqual(await dropKeys(db, makePass(0, true)), { count: 1, bytes: 0 })
  const another = await post(path, { name: 'of another day' })
  assert.deepEqual([another.status, another.isReplay], [201, false])
  assert.deepEqual(await dropKeys(db, makePass()), { count: 0, bytes: 0 })
  await db.query(
    `insert into idempotency_keys (id, caller_type, caller_id, key_hash, fingerprint, lease_until)
     select 'x' || n, caller_type, caller_id, decode(lpad(n::text, 8, '0'), 'hex'), '', now()
     from idempotency_keys, generate_series(2, 10000) as n`,
  )
  assert.equal(await count('idempotency_keys'), 10_000)
  const full = await post(path, { name: 'one more' }, { 'idempotency-key': 'one-more' })
  assert.deepEqual([full.status, full.body.limit.name], [429, 'idempotencyKeys'])
  assert.equal((await post(path, { name: 'of another day' })).isReplay, true)
  assert.equal((await post(path, { name: 'without' }, {})).status, 201)
  assert.deepEqual(await dropKeys(db, makePass(2)), { count: 10_000, bytes: 0 })
})

test('queries take a key and keep nothing', async (t) => {
  const { post, base, count } = await openKeyed(t)
  const query = `${base}/data/last-value-query`
  for (let turn = 0; turn < 2; turn += 1) {
    const { status, isReplay } = await post(query, { attribute: 'a' })
    assert.deepEqual([status, isReplay], [200, false])
  }
  assert.equal(await count('idempotency_keys'), 0)
})
