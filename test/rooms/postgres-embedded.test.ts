/** The embedded server through its life: first start, later starts, a proper stop, and what is refused. */

import assert from 'node:assert/strict'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { openEmbeddedPostgres } from '../../server/stores/postgres/embedded.ts'
import { findBwrap } from '../support/postgres-bwrap.ts'
import { makeDataFolder, openForTest, processesIn } from '../support/postgres-folder.ts'

test('a second start finds everything as the first one left it', async (t) => {
  const dataDir = await makeDataFolder(t)
  {
    await using server = await openForTest(t, dataDir)
    await using db = await openDatabase(server, { poolSize: 2 })
    assert.equal(server.startedBy, 'us')
    await db.query('create table devices (name text)')
    await db.query(`insert into devices values ('boiler')`)
  }
  await using server = await openForTest(t, dataDir)
  await using db = await openDatabase(server, { poolSize: 2 })
  assert.equal(server.startedBy, 'us')
  assert.deepEqual(await db.query('select name from devices'), [{ name: 'boiler' }])
})

test('what it promises to keep is on disk, and it listens on no network', async (t) => {
  await using server = await openForTest(t, await makeDataFolder(t))
  await using db = await openDatabase(server, { poolSize: 1 })
  const settings = await db.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings
     where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'server_encoding') order by name`,
  )
  assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    listen_addresses: '',
    server_encoding: 'UTF8',
  })
})

test('nobody but the server and root can reach its socket or its files', async (t) => {
  const dataDir = await makeDataFolder(t)
  await using server = await openForTest(t, dataDir)
  for (const folder of [server.connection.host, join(dataDir, 'postgres')]) {
    assert.equal((await stat(folder)).mode & 0o777, 0o700, folder)
  }
  assert.equal((await stat(join(dataDir, 'postgres.log'))).mode & 0o777, 0o600)
})

test('a stop leaves no process and no socket folder, and a second stop is nothing', async (t) => {
  const dataDir = await makeDataFolder(t)
  const server = await openForTest(t, dataDir)
  await using _client = await openDatabase(server, { poolSize: 1 }) // an idle session does not hold up the stop
  assert.ok((await processesIn(dataDir)).includes(server.pid))
  await Promise.all([server.stop(), server.stop()])
  assert.deepEqual(await processesIn(dataDir), [])
  await assert.rejects(stat(server.connection.host), { code: 'ENOENT' })
  await server.stop()
})

test('a data folder that is in use is refused, and its server goes on', async (t) => {
  const dataDir = await makeDataFolder(t)
  await using server = await openForTest(t, dataDir)
  await assert.rejects(openEmbeddedPostgres({ dataDir, ownerLimitMs: 200 }), {
    message: new RegExp(`Another Fieldbook \\(process ${process.pid}\\) is using ${dataDir}`),
  })
  await using db = await openDatabase(server, { poolSize: 1 })
  assert.deepEqual(await db.query('select 1 as alive'), [{ alive: 1 }])
})

test('a start that waits for the owner begins when the owner has stopped', async (t) => {
  const dataDir = await makeDataFolder(t)
  const first = await openForTest(t, dataDir)
  const second = openForTest(t, dataDir)
  await first.stop()
  assert.equal((await second).startedBy, 'us')
})

test('a server that cannot start says why in the words of its log, and the next start succeeds', async (t) => {
  const dataDir = await makeDataFolder(t)
  const settings = { shared_buffers: 'plenty' }
  await assert.rejects(openEmbeddedPostgres({ dataDir, bwrap: findBwrap(), settings }), {
    message: /did not start[\s\S]*invalid value for parameter "shared_buffers": "plenty"/,
  })
  await using server = await openForTest(t, dataDir)
  assert.equal(server.startedBy, 'us')
})

test('a start that is given up leaves no process, and the folder is free for the next one', async (t) => {
  const dataDir = await makeDataFolder(t)
  const signal = AbortSignal.abort(new Error('closing'))
  await assert.rejects(openEmbeddedPostgres({ dataDir, bwrap: findBwrap(), signal }), /closing/)
  assert.deepEqual(await processesIn(dataDir), [])
  await using server = await openForTest(t, dataDir)
  assert.equal(server.startedBy, 'us')
})

test('files that are not a cluster are left alone', async (t) => {
  const dataDir = await makeDataFolder(t)
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres', 'letters.txt'), 'mine')
  await assert.rejects(openEmbeddedPostgres({ dataDir }), /is not empty and holds no PostgreSQL cluster/)
  assert.deepEqual(await readdir(join(dataDir, 'postgres')), ['letters.txt'])
})

test('a cluster of another major version is refused with both versions', async (t) => {
  const dataDir = await makeDataFolder(t)
  await mkdir(join(dataDir, 'postgres'))
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '12\n')
  await assert.rejects(
    openEmbeddedPostgres({ dataDir }),
    /written by PostgreSQL 12, and the installed programs are version 18/,
  )
})
