/** The service as a cluster on one machine: a door with its database, and workers that share both. Any of them can be killed. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const START_MS = 120_000
const STOP_MS = 60_000

/** One process of the service under a name; it can be started again after its end. */
export interface Member {
  readonly name: string
  /** The process there is now, or the last one. */
  readonly pid: number
  /** Every process this member has been. */
  readonly pids: readonly number[]
  /** What it said when it was ready: the address of the door. */
  readonly ready: string
  start(): Promise<void>
  /** Resolves with the exit code, or the signal that ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string>
}

export interface Cluster extends AsyncDisposable {
  readonly door: Member
  readonly workers: readonly Member[]
  readonly url: string
  readonly dataDir: string
  /** The database's first process, or undefined while there is none. */
  databasePid(): Promise<number | undefined>
  /** What all members have logged so far. */
  logs(): Promise<string>
}

export interface ClusterOptions {
  readonly dataDir: string
  readonly workers: number
  /** Added to the settings of every member. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts everything and waits until all are ready. */
export async function openCluster({ dataDir, workers, env }: ClusterOptions): Promise<Cluster> {
  const temporary = join(dataDir, 'tmp')
  await mkdir(temporary, { recursive: true })
  // The database's account passes through, and makes its socket here.
  await chmod(dataDir, 0o711)
  await chmod(temporary, 0o1777)
  const shared = { ...env, FIELDBOOK_DATA_DIR: dataDir, TMPDIR: temporary }
  const door = createMember('door', dataDir, { ...shared, FIELDBOOK_ROLE: 'api', FIELDBOOK_PORT: '0' })
  await door.start()
  const address = door.ready
  // From now on it comes back under the address its clients know.
  door.set('FIELDBOOK_PORT', new URL(address).port)
  const database = await databaseUrl(dataDir)
  const members = Array.from({ length: workers }, (_, index) =>
    createMember(`worker ${index + 1}`, dataDir, { ...shared, FIELDBOOK_ROLE: 'worker', DATABASE_URL: database }),
  )
  await Promise.all(members.map((member) => member.start()))
  return {
    door,
    workers: members,
    url: address,
    dataDir,
    databasePid: async () => {
      const [pid] = (await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '')).split('\n')
      return pid ? Number(pid) : undefined
    },
    logs: async () =>
      (await Promise.all([door, ...members].map(({ logPath }) => readFile(logPath, 'utf8').catch(() => '')))).join(''),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(members.map((member) => member.end('SIGTERM')))
      await door.end('SIGTERM')
    },
  }
}

/** The server's own note says in its fifth line where its socket is. */
async function databaseUrl(dataDir: string): Promise<string> {
  const lines = (await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')
  return `postgres://fieldbook@/fieldbook?host=${encodeURIComponent(lines[4] ?? '')}`
}

interface OwnMember extends Member {
  readonly logPath: string
  set(name: string, value: string): void
}

function createMember(name: string, dataDir: string, settings: Record<string, string>): OwnMember {
  const logPath = join(dataDir, `${name.replace(' ', '-')}.log`)
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...settings }
  const pids: number[] = []
  let child: ChildProcess | undefined
  let exited: Promise<unknown> = Promise.resolve()
  let ready = ''
  return {
    name,
    logPath,
    pids,
    get pid() {
      return pids.at(-1) ?? 0
    },
    get ready() {
      return ready
    },
    set: (setting, value) => {
      Object.assign(env, { [setting]: value })
    },
    start: async () => {
      const started = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
      child = started
      pids.push(started.pid ?? 0)
      const log = createWriteStream(logPath, { flags: 'a' })
      started.stderr.pipe(log)
      exited = once(started, 'exit')
      ready = await untilReady(started, exited, logPath)
    },
    end: async (signal) => {
      child?.kill(signal)
      const hard = setTimeout(() => child?.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(hard)
      return child?.exitCode ?? child?.signalCode ?? 'never started'
    },
  }
}

async function untilReady(child: ChildProcess, exited: Promise<unknown>, logPath: string): Promise<string> {
  let printed = ''
  const ready = new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      printed += chunk
      const said = /is ready (?:at|as worker) (\S+)/.exec(printed)?.[1]
      if (said) resolve(said)
    })
  })
  const died = exited.then(async (): Promise<never> => {
    const tail = (await readFile(logPath, 'utf8').catch(() => '')).split('\n').slice(-12).join('\n')
    throw new Error(`a process of the service ended instead of starting:\n${tail}`)
  })
  died.catch(() => {}) // after a good start this is an ordinary end
  const late = pause(START_MS, undefined, { ref: false }).then((): never => {
    throw new Error(`a process of the service was not ready after ${START_MS / 1000} s; its log is ${logPath}`)
  })
  late.catch(() => {})
  return Promise.race([ready, died, late])
}
