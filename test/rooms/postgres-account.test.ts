/** Which user the embedded server runs as, and how it gets to its files when root keeps them in a closed folder. */

import assert from 'node:assert/strict'
import { chmod, mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { openEmbeddedPostgres } from '../../server/stores/postgres/embedded.ts'
import { openSocketFolder } from '../../server/stores/postgres/socket.ts'
import { findBwrap } from '../support/postgres-bwrap.ts'
import { makeDataFolder, openForTest, processesIn } from '../support/postgres-folder.ts'

const isRoot = process.getuid?.() === 0
const notRoot = isRoot ? false : 'only root can become somebody else'
const noBwrap = notRoot || (findBwrap() ? false : 'bubblewrap is not installed')

test('the server never runs as root', async (t) => {
  const dataDir = await makeDataFolder(t)
  await using server = await openForTest(t, dataDir)
  const { uid } = await stat(`/proc/${server.pid}`)
  assert.notEqual(uid, 0)
  assert.equal(uid, (await stat(join(dataDir, 'postgres'))).uid)
  if (!isRoot) assert.equal(uid, process.getuid?.())
})

test('as root in a folder that only root may enter, the server starts, stops and starts again', {
  skip: noBwrap,
}, async (t) => {
  const closed = await makeDataFolder(t, 0o700)
  const dataDir = join(closed, 'deep', 'data')
  {
    await using server = await openForTest(t, dataDir)
    await using db = await openDatabase(server, { poolSize: 1 })
    await db.query('create table kept (n integer)')
    assert.equal((await stat(closed)).mode & 0o777, 0o700, 'the folder stays closed')
    assert.notEqual((await stat(`/proc/${server.pid}`)).uid, 0)
  }
  assert.deepEqual(await processesIn(dataDir), [])
  await using server = await openForTest(t, dataDir)
  await using db = await openDatabase(server, { poolSize: 1 })
  assert.deepEqual(await db.query('select n from kept'), [])
})

test('as root in a closed folder without bubblewrap, the error says what to do', { skip: notRoot }, async (t) => {
  const dataDir = await makeDataFolder(t, 0o700)
  await assert.rejects(openEmbeddedPostgres({ dataDir, bwrap: undefined }), /FIELDBOOK_DATA_DIR.*chmod.*bubblewrap/)
})

test('a cluster is run by whoever owns it', { skip: notRoot }, async (t) => {
  const dataDir = await makeDataFolder(t)
  const first = await openForTest(t, dataDir)
  await first.stop()
  const { uid } = await stat(join(dataDir, 'postgres'))
  await using server = await openForTest(t, dataDir)
  assert.equal((await stat(`/proc/${server.pid}`)).uid, uid)
})

test('a socket folder that somebody else prepared is refused', { skip: notRoot }, async (t) => {
  const cluster = join(await makeDataFolder(t), 'postgres')
  const folder = await openSocketFolder(cluster, { uid: 65534, gid: 65534 })
  t.after(() => rm(folder, { recursive: true, force: true }))
  await assert.rejects(openSocketFolder(cluster, { uid: 12_345, gid: 12_345 }), /user 65534 made it/)
})

test('a socket folder of an earlier start is closed again before it is used', async (t) => {
  const cluster = join(await makeDataFolder(t), 'postgres')
  const folder = await openSocketFolder(cluster, undefined)
  t.after(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o777)
  await openSocketFolder(cluster, undefined)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
})

test('a socket path stays short enough for the kernel however deep the data folder is', async (t) => {
  const cluster = join(await makeDataFolder(t), 'a'.repeat(120), 'postgres')
  await mkdir(cluster, { recursive: true })
  const folder = await openSocketFolder(cluster, undefined)
  t.after(() => rm(folder, { recursive: true, force: true }))
  assert.ok(Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= 107)
})
