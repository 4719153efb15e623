/** The whole service as its users start it: `server/main.ts` as a process on a free port with a data folder of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkAnswersOf, faultyAnswers } from './answers.ts'
import { noteSecret, noteSecrets, requireNoSecrets } from './secrets.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const START_MS = 60_000
const STOP_MS = 40_000

export const EMAIL = 'someone@example.com'
export const PASSWORD = 'a password for tests'

export interface RunningService extends AsyncDisposable {
  /** Where the door is; of a worker, its id. */
  readonly url: string
  readonly pid: number
  readonly dataDir: string
  /** What it has printed so far, both streams. */
  output(): string
  /** SIGTERM, and the exit code it ended with. */
  stop(): Promise<number | null>
  /** SIGKILL, as a crash: nothing is cleaned up. */
  crash(): Promise<void>
}

/** A data folder that is removed when disposed; for services that are started more than once on it. */
export async function makeDataDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'fieldbook-journey-'))
  await chmod(path, 0o755) // as a data folder is made; without namespaces runs must be able to enter it
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/**
 * Starts the service and waits until it says where it is; with `smallDiskMb`, which needs root, on a disk of that size
 * that only it sees. Disposing it stops it and removes a data folder of its own.
 */
export async function startService(
  options: { dataDir?: string; env?: Record<string, string>; smallDiskMb?: number } = {},
): Promise<RunningService> {
  const own = options.dataDir ? undefined : await makeDataDir()
  const dataDir = options.dataDir ?? own?.path ?? ''
  const [program, ...args] = options.smallDiskMb
    ? onSmallDisk(dataDir, options.smallDiskMb)
    : ([process.execPath, MAIN] as const)
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      FIELDBOOK_PORT: '0',
      FIELDBOOK_DATA_DIR: dataDir,
      FIELDBOOK_ADMIN_EMAIL: EMAIL,
      FIELDBOOK_ADMIN_PASSWORD: PASSWORD,
      // A test that stops a service means at once, unless it is about this.
      FIELDBOOK_DRAIN: '0s',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  noteSecret(PASSWORD)
  noteSecrets(options.env)
  for (const [name, value] of Object.entries(options.env ?? {})) if (/SECRET|TOKEN_KEY/.test(name)) noteSecret(value)
  const printed: string[] = []
  child.stdout.on('data', (chunk) => printed.push(String(chunk)))
  child.stderr.on('data', (chunk) => printed.push(String(chunk)))
  const exited = once(child, 'exit')
  const url = await readyUrl(child, exited, () => printed.join(''))
  if (URL.canParse(url)) await checkAnswersOf(url)
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await within(STOP_MS, exited, () => `the service did not stop:\n${printed.join('')}`)
    requireNoSecrets(printed.join(''))
    return child.exitCode
  }
  return {
    url,
    pid: child.pid ?? 0,
    dataDir,
    output: () => printed.join(''),
    stop,
    crash: async () => {
      child.kill('SIGKILL')
      await exited
      requireNoSecrets(printed.join(''))
    },
    [Symbol.asyncDispose]: async () => {
      await stop()
      await own?.[Symbol.asyncDispose]()
      const [fault] = faultyAnswers()
      if (fault) throw new Error(`an answer was not as it is described: ${fault}`)
    },
  }
}

/** The service in a mount namespace of its own; every step replaces the process by the next, so its pid stays. */
function onSmallDisk(dataDir: string, sizeMb: number): readonly [string, ...string[]] {
  const script = 'mount -t tmpfs -o "size=$1m,mode=0755" fieldbook "$2" && exec "$3" "$4"'
  const command = ['sh', '-c', script, 'sh', String(sizeMb), dataDir, process.execPath, MAIN]
  return ['unshare', '--mount', '--propagation', 'private', ...command]
}

/** Starts the service where it is expected to refuse, and gives what it said and its exit code. */
export async function failToStart(env: Record<string, string>): Promise<{ output: string; exitCode: number | null }> {
  noteSecrets(env)
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  await within(START_MS, once(child, 'exit'), () => `it went on instead of refusing:\n${output}`)
  requireNoSecrets(output)
  return { output, exitCode: child.exitCode }
}

async function readyUrl(child: ChildProcess, exited: Promise<unknown>, output: () => string): Promise<string> {
  const ready = new Promise<string>((resolve) => {
    const look = () => {
      const url = /is ready (?:at|as worker) (\S+)/.exec(output())?.[1]
      if (url) resolve(url)
    }
    child.stdout?.on('data', look)
  })
  const died = exited.then((): never => {
    throw new Error(`the service ended instead of starting:\n${output()}`)
  })
  died.catch(() => {})
  return within(START_MS, Promise.race([ready, died]), () => `the service did not start:\n${output()}`)
}

async function within<T>(limitMs: number, promise: Promise<T>, message: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
