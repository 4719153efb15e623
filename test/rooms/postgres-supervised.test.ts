/** The embedded server dies under the service: it is started again, and what must not be lost waits for it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { isAway, patient, untilBack } from '../../server/stores/postgres/away.ts'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { makeDataFolder, openForTest, processesIn } from '../support/postgres-folder.ts'
import { until } from '../support/until.ts'

test('a server that is killed is started again where it was, with all that was acknowledged', async (t) => {
  const dataDir = await makeDataFolder(t)
  const server = await openForTest(t, dataDir)
  await using db = await openDatabase(server, { poolSize: 2 })
  await db.query('create table readings (n integer)')
  const first = server.pid
  for (const n of [1, 2]) {
    await db.query('insert into readings values ($1)', [n])
    const session = await db.connect()
    const killed = server.pid
    process.kill(killed, 'SIGKILL')
    if (!session.lost.aborted) await once(session.lost, 'abort')
    assert.deepEqual(await patient(db).one('select count(*)::int as n from readings'), { n })
    // Sessions of the killed server may have answered; the next one is there when it is told.
    await until(() => server.pid !== killed)
  }
  assert.notEqual(server.pid, first)
  await server.stop()
  // Those of the killed one end as soon as they notice.
  await until(async () => (await processesIn(dataDir)).length === 0)
})

test('a query that the server is killed under fails as one that may be tried again', async (t) => {
  const server = await openForTest(t, await makeDataFolder(t))
  await using db = await openDatabase(server, { poolSize: 3 })
  const asking = db.query('select pg_sleep(600)')
  const inTransaction = db.transaction((tx) => tx.query('select pg_sleep(600)'))
  const failures = Promise.allSettled([asking, inTransaction])
  await patient(db).query('select 1') // by now the others are under way
  process.kill(server.pid, 'SIGKILL')
  for (const failure of await failures) {
    assert.ok(failure.status === 'rejected' && isAway(failure.reason), JSON.stringify(failure))
    assert.equal(failure.reason.kind, 'unavailable')
  }
})

test('a transaction is tried again until the server is back, and takes effect once', async (t) => {
  const server = await openForTest(t, await makeDataFolder(t))
  await using db = await openDatabase(server, { poolSize: 2 })
  await db.query('create table readings (n integer)')
  let tries = 0
  await untilBack(() =>
    db.transaction(async (tx) => {
      tries += 1
      await tx.query('insert into readings values (1)')
      if (tries > 1) return
      process.kill(server.pid, 'SIGKILL')
      await tx.query('select pg_sleep(600)')
    }),
  )
  assert.ok(tries > 1)
  assert.deepEqual(await db.query('select n from readings'), [{ n: 1 }])
})

test('what the server refuses is not tried again', async (t) => {
  const server = await openForTest(t, await makeDataFolder(t))
  await using db = await openDatabase(server, { poolSize: 1 })
  let tries = 0
  const refused = untilBack(() => {
    tries += 1
    return db.query('select nothing')
  })
  await assert.rejects(refused, /nothing/)
  assert.equal(tries, 1)
})

test('a stop while the server is being started again leaves nothing running', async (t) => {
  const dataDir = await makeDataFolder(t)
  const server = await openForTest(t, dataDir)
  process.kill(server.pid, 'SIGKILL')
  await server.stop()
  assert.deepEqual(await processesIn(dataDir), [])
})
