/** The service as a child process of a command, on a data folder of its own, ended with the command. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../server/main.ts', import.meta.url))
const START_MS = 120_000
const STOP_MS = 40_000

export interface ServiceProcess extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** Resolves when the service has ended, for whatever reason. */
  readonly ended: Promise<unknown>
}

export interface ServiceSettings {
  readonly dataDir: string
  readonly port: number
  readonly email: string
  readonly password: string
  /** Settings of the person who called, which the ones above overrule. */
  readonly env: Record<string, string | undefined>
  /** Options for the Node that runs it, `--cpu-prof` for one. */
  readonly nodeArgs?: readonly string[]
}

/** Starts the service and waits until it is ready; its log goes to `service.log` of the data folder. */
export async function openServiceProcess(settings: ServiceSettings): Promise<ServiceProcess> {
  await mkdir(settings.dataDir, { recursive: true })
  const logPath = join(settings.dataDir, 'service.log')
  const log = createWriteStream(logPath)
  const child = spawn(process.execPath, [...(settings.nodeArgs ?? []), MAIN], {
    env: {
      ...settings.env,
      FIELDBOOK_PORT: String(settings.port),
      FIELDBOOK_DATA_DIR: settings.dataDir,
      FIELDBOOK_ADMIN_EMAIL: settings.email,
      FIELDBOOK_ADMIN_PASSWORD: settings.password,
      // The data folder is fresh and the command's own; a database of somebody else's is left alone.
      DATABASE_URL: '',
      FIELDBOOK_PUBLIC_URL: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Out of the terminal's process group: Ctrl-C reaches the command, which then closes the service in order.
    detached: true,
  })
  child.stderr.pipe(log)
  const ended = once(child, 'exit')
  const url = await readyUrl(child, ended, logPath)
  return {
    url,
    pid: child.pid ?? 0,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(hard)
    },
  }
}

async function readyUrl(child: ChildProcess, ended: Promise<unknown>, logPath: string): Promise<string> {
  let printed = ''
  const ready = new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk) => {
      printed += chunk
      const url = /ready at (http:\S+)/.exec(printed)?.[1]
      if (url) resolve(url)
    })
  })
  const failed = ended.then(async (): Promise<never> => {
    const tail = (await readFile(logPath, 'utf8')).split('\n').slice(-12).join('\n')
    throw new Error(`The service ended instead of starting:\n${tail}`)
  })
  failed.catch(() => {}) // after a good start this is an ordinary end
  const late = AbortSignal.timeout(START_MS)
  const tooLate = once(late, 'abort').then((): never => {
    throw new Error(`The service was not ready after ${START_MS / 1000} s; its log is ${logPath}`)
  })
  return Promise.race([ready, failed, tooLate])
}
