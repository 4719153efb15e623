/** What the embedded server survives: the death of its owner, its own, and of the programs that were making it. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { waitFor } from '../../server/stores/postgres/wait.ts'
import { killOwner, makeDataFolder, openForTest, processesIn, spawnOwner } from '../support/postgres-folder.ts'

const LIMITS = { limitMs: 30_000, late: () => 'it did not happen within 30 s' }

test('a kill -9 of the server in the middle of writing loses no row that was acknowledged', async (t) => {
  const dataDir = await makeDataFolder(t)
  const server = await openForTest(t, dataDir)
  const acknowledged: number[] = []
  {
    await using db = await openDatabase(server, { poolSize: 4 })
    await db.query('create table readings (id integer primary key)')
    const write = async (first: number) => {
      for (let id = first; ; id += 4) {
        await db.query('insert into readings values ($1)', [id])
        if (acknowledged.push(id) === 400) process.kill(server.pid, 'SIGKILL')
      }
    }
    await Promise.allSettled([0, 1, 2, 3].map(write))
  }
  await server.stop() // gone already: this only lets go of the folder

  await using again = await openForTest(t, dataDir)
  await using db = await openDatabase(again, { poolSize: 1 })
  assert.equal(again.startedBy, 'recovered')
  const kept = new Set((await db.query<{ id: number }>('select id from readings')).map(({ id }) => id))
  assert.deepEqual(
    acknowledged.filter((id) => !kept.has(id)),
    [],
  )
})

test('a server whose owner was killed is found again, running and unharmed', async (t) => {
  const dataDir = await makeDataFolder(t)
  const owner = spawnOwner(t, dataDir)
  const pid = await owner.opened
  await killOwner(owner.child)
  const server = await openForTest(t, dataDir)
  assert.equal(server.startedBy, 'found')
  assert.equal(server.pid, pid)
  {
    await using db = await openDatabase(server, { poolSize: 1 })
    assert.deepEqual(await db.query('select 1 as alive'), [{ alive: 1 }])
  }
  await server.stop()
  assert.deepEqual(await processesIn(dataDir), [])
})

test('owner and server killed together: the next start recovers', async (t) => {
  const dataDir = await makeDataFolder(t)
  const owner = spawnOwner(t, dataDir)
  process.kill(await owner.opened, 'SIGKILL')
  await killOwner(owner.child)
  await using server = await openForTest(t, dataDir)
  assert.equal(server.startedBy, 'recovered')
})

test('a first start that was killed in the middle is done again', async (t) => {
  const dataDir = await makeDataFolder(t)
  const owner = spawnOwner(t, dataDir)
  owner.opened.catch(() => {}) // it never will
  const isHalfMade = async () => {
    const unfinished = (await readdir(dataDir)).find((name) => name.startsWith('postgres.unfinished'))
    const files = unfinished ? await readdir(join(dataDir, unfinished)).catch(() => []) : []
    return files.length > 0 || undefined
  }
  await waitFor(isHalfMade, LIMITS)
  await killOwner(owner.child)
  await assert.rejects(stat(join(dataDir, 'postgres')), { code: 'ENOENT' })
  {
    await using server = await openForTest(t, dataDir)
    await using db = await openDatabase(server, { poolSize: 1 })
    assert.deepEqual(await db.query('select 1 as alive'), [{ alive: 1 }])
  }
  // The orphaned initdb works on in a folder of its own; the test must not remove that under it.
  await waitFor(async () => (await processesIn(dataDir)).length === 0 || undefined, LIMITS)
})

test('a pid file that names a zombie does not stop the start', async (t) => {
  // `exec` puts sleep in the place of the shell that would have waited for its child.
  await startsDespitePid(t, 'true & echo $!; exec sleep 600')
})

test('a pid file that names a stranger does not stop the start, and the stranger lives', async (t) => {
  const stranger = await startsDespitePid(t, 'echo $$; exec sleep 600')
  assert.ok((await stat(`/proc/${stranger}`)).isDirectory())
})

/** Leaves the two lock files of a server with the number that the script prints, run as the server's account, then starts. */
async function startsDespitePid(t: TestContext, script: string): Promise<string> {
  const dataDir = await makeDataFolder(t)
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid')
  const server = await openForTest(t, dataDir)
  const text = await readFile(pidFile, 'utf8')
  await server.stop()

  const { uid, gid } = await stat(join(dataDir, 'postgres'))
  const shell = spawn('/bin/sh', ['-c', script], { uid, gid, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => shell.kill('SIGKILL'))
  const [line] = await once(shell.stdout, 'data')
  const pid = String(line).trim()
  const { host } = server.connection
  await mkdir(host, { mode: 0o700 })
  await chown(host, uid, gid)
  for (const file of [pidFile, join(host, '.s.PGSQL.5432.lock')]) {
    await writeFile(file, text.replace(/^\d+/, pid))
    await chown(file, uid, gid)
  }

  await using again = await openForTest(t, dataDir)
  assert.equal(again.startedBy, 'recovered')
  return pid
}
