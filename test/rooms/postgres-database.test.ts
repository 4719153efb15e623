/** The pool, transactions, COPY streams and notifications, against a real server. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import test from 'node:test'
import { openDatabase, type Transaction } from '../../server/stores/postgres/database.ts'
import { openTestDatabase } from '../support/postgres.ts'

test('values arrive as the types the rooms work with', async (t) => {
  const db = await openTestDatabase(t)
  const row = await db.one(
    `select 9007199254740991::bigint as big, '{1,null,3}'::bigint[] as bigs, '{}'::bigint[] as none,
       '2026-01-02T03:04:05.678Z'::timestamptz as at, '{"a":[1]}'::jsonb as doc, 0.1::numeric as exact, null as nothing`,
  )
  assert.deepEqual(row, {
    big: Number.MAX_SAFE_INTEGER,
    bigs: [1, null, 3],
    none: [],
    at: new Date('2026-01-02T03:04:05.678Z'),
    doc: { a: [1] },
    exact: '0.1',
    nothing: null,
  })
})

test('a text of several statements gives the rows of all of them, in their order', async (t) => {
  const db = await openTestDatabase(t)
  assert.deepEqual(await db.query('begin; select 1 as n; select 2 as n; commit'), [{ n: 1 }, { n: 2 }])
})

test('a bigint that a number cannot hold is an error, not a rounded value', async (t) => {
  const db = await openTestDatabase(t)
  await assert.rejects(db.query('select 9007199254740993 as big'), /9007199254740993 does not fit/)
  assert.deepEqual(await db.query('select 1 as n'), [{ n: 1 }])
})

test('one gives the only row, nothing for none, and an error for two', async (t) => {
  const db = await openTestDatabase(t)
  assert.deepEqual(await db.one('select $1::int as n', [7]), { n: 7 })
  assert.equal(await db.one('select 1 where false'), undefined)
  await assert.rejects(db.one('select generate_series(1, 2)'), /One row was expected and 2 came back/)
})

test('a transaction keeps all or nothing, and its own error comes out', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 1 })
  await db.query('create table readings (n integer unique)')
  assert.equal(
    await db.transaction(async (tx) => {
      await tx.query('insert into readings values (1)')
      return 'done'
    }),
    'done',
  )
  const failing = db.transaction(async (tx) => {
    await tx.query('insert into readings values (2)')
    throw new Error('no more')
  })
  await assert.rejects(failing, { message: 'no more' })
  assert.deepEqual(await db.query('select n from readings'), [{ n: 1 }])
})

test('a transaction that swallowed a failed statement does not pretend to have committed', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 1 })
  const swallowing = db.transaction(async (tx) => {
    await tx.query('create table lost ()')
    await tx.query('select 1/0').catch(() => {})
  })
  await assert.rejects(swallowing, /The transaction was rolled back/)
})

test('a statement after the end of its transaction is refused', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 1 })
  let kept: Transaction | undefined
  await db.transaction(async (tx) => {
    kept = tx
  })
  await assert.rejects(async () => kept?.query('select 1'), /after the end of its transaction: select 1/)
})

test('a repeatable read sees one moment while others write', async (t) => {
  const db = await openTestDatabase(t)
  await db.query('create table readings (n integer)')
  const seen = await db.transaction(
    async (tx) => {
      const before = await tx.query('select n from readings')
      await db.query('insert into readings values (1)')
      return [before, await tx.query('select n from readings')]
    },
    { isolation: 'repeatable read', readOnly: true },
  )
  assert.deepEqual(seen, [[], []])
})

test('a read-only transaction cannot write', async (t) => {
  const db = await openTestDatabase(t)
  const writing = db.transaction((tx) => tx.query('create table readings ()'), { readOnly: true })
  await assert.rejects(writing, /read-only transaction/)
})

test('a statement has a time limit, which a transaction can change for itself alone', async (t) => {
  const { connection } = await openTestDatabase(t)
  await using db = await openDatabase({ connection }, { poolSize: 1, statementTimeoutMs: 50 })
  await assert.rejects(db.query('select pg_sleep(30)'), /statement timeout/)
  await db.transaction((tx) => tx.query('select pg_sleep(0.1)'), { statementTimeoutMs: 0 })
  await assert.rejects(db.query('select pg_sleep(30)'), /statement timeout/)
})

test('rows go in and out by COPY, and a stream that fails takes its rows along', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 1 })
  await db.query('create table readings (n integer)')
  await db.transaction((tx) => pipeline(Readable.from(['1\n', '2\n']), tx.copyFrom('copy readings from stdin')))
  const broken = Readable.from(
    (async function* () {
      yield '3\n'
      throw new Error('the file ended early')
    })(),
  )
  await assert.rejects(
    db.transaction((tx) => pipeline(broken, tx.copyFrom('copy readings from stdin'))),
    /ended early/,
  )
  await using session = await db.connect()
  assert.equal(await text(session.copyTo('copy readings to stdout')), '1\n2\n')
})

test('a reader that stops in the middle of a COPY holds nobody up', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 1 })
  const manyRows = `copy (select repeat('x', 1000) from generate_series(1, 100000)) to stdout`
  const stopping = db.transaction(async (tx) => {
    for await (const _chunk of tx.copyTo(manyRows)) throw new Error('enough')
  })
  await assert.rejects(stopping, { message: 'enough' })
  assert.deepEqual(await db.query('select 1 as n'), [{ n: 1 }])
})

test('a COPY that the server refuses says why and leaves the session usable', async (t) => {
  const db = await openTestDatabase(t)
  await using session = await db.connect()
  await assert.rejects(text(session.copyTo('copy nothing to stdout')), /relation "nothing" does not exist/)
  assert.deepEqual(await session.query('select 1 as n'), [{ n: 1 }])
})

test('a listener hears what is sent, and comes back after its session was ended', async (t) => {
  const db = await openTestDatabase(t)
  const heard = new EventTarget()
  const next = async (event: string) => (await once(heard, event))[0]
  await using _listener = await db.listen(
    'Executions',
    (payload) => heard.dispatchEvent(new CustomEvent('payload', { detail: payload })),
    { onReconnect: () => heard.dispatchEvent(new CustomEvent('back')) },
  )
  const first = next('payload')
  await db.query(`select pg_notify('Executions', 'one')`)
  assert.equal((await first).detail, 'one')

  const back = next('back')
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  await back
  const second = next('payload')
  await db.query(`select pg_notify('Executions', 'two')`)
  assert.equal((await second).detail, 'two')
})

test('a session says when it is lost, and the pool replaces what it lost', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 1 })
  await using session = await db.connect()
  const { pid } = (await session.one<{ pid: number }>('select pg_backend_pid() as pid')) ?? { pid: 0 }
  const lost = once(session.lost, 'abort')
  const inUse = db.transaction((tx) =>
    tx.query('select pg_terminate_backend($1), pg_terminate_backend(pg_backend_pid())', [pid]),
  )
  await assert.rejects(inUse, { kind: 'unavailable' })
  await lost
  assert.deepEqual(await db.query('select 1 as n'), [{ n: 1 }])
})

test('a database that cannot be reached is unavailable, at opening and later', async () => {
  const connection = { host: '/nowhere', user: 'fieldbook', database: 'fieldbook' }
  await assert.rejects(openDatabase({ connection }, { poolSize: 1 }), { kind: 'unavailable' })
})
