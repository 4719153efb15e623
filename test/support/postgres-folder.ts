/** Data folders for tests of the embedded server itself, and a look at which processes use them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../server/stores/postgres/embedded.ts'
import { findBwrap } from './postgres-bwrap.ts'

/** An empty folder that is removed after the test; mode 0711, so that the server's account may pass. */
export async function makeDataFolder(t: TestContext, mode = 0o711): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-data-'))
  await chmod(folder, mode)
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  return folder
}

/** Opens the server of a folder and stops it after the test, should the test not have done so. */
export async function openForTest(t: TestContext, dataDir: string): Promise<EmbeddedPostgres> {
  const server = await openEmbeddedPostgres({ dataDir, bwrap: findBwrap() })
  t.after(() => server.stop())
  return server
}

/** Another process that opens the server of a folder and keeps it; `opened` resolves with the server's process number. */
export function spawnOwner(t: TestContext, dataDir: string): { child: ChildProcess; opened: Promise<number> } {
  const embedded = join(import.meta.dirname, '../../server/stores/postgres/embedded.ts')
  const options = JSON.stringify({ dataDir, bwrap: findBwrap() })
  const program = `
    import { openEmbeddedPostgres } from ${JSON.stringify(embedded)}
    const server = await openEmbeddedPostgres(${options})
    console.log(server.pid)
    setInterval(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  return { child, opened: once(child.stdout, 'data').then(([line]) => Number(line)) }
}

/** Kills without a chance to clean up, and returns when it is dead. */
export async function killOwner(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Process numbers of everything that names the folder in its command or works inside it: server, backends, initdb. */
export async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const place = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      return command.includes(folder) || place.startsWith(folder)
    }),
  )
  return pids.filter((_, index) => found[index]).map(Number)
}
