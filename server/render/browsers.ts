/**
 * Browsers that run: started when a page is to be printed, or announced, and ended when nothing was printed for a while.
 * One that has shown a page of somebody shows pages of nobody else: the scripts of a page and the browser have the same
 * rights, so that whoever took over the browser would see the pages that come after.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../ground/errors.ts'
import { HOME } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import { openSandbox, type Sandbox } from '../sandbox/process.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../sandbox/spec.ts'
import { type Browser, browserCommand } from './browser.ts'
import { type Devtools, openDevtools } from './devtools.ts'

export interface BrowserOptions {
  readonly host: SandboxHost
  /** @throws with a message for people where there is none */
  readonly browser: () => Promise<Browser>
  /** How long a browser waits for the next page before it ends; two minutes unless said otherwise. */
  readonly idleMs?: number
  readonly limits?: SandboxLimits
}

/** Of all processes of a browser: one takes 20 MB, with a small page 60 MB, with a table of 40,000 cells 600 MB. */
export const BROWSER_LIMITS: SandboxLimits = {
  ...DEFAULT_LIMITS,
  memoryBytes: 1.5 * 1024 ** 3,
  processes: 512,
  openFiles: 4096,
  temporaryBytes: 256 * 1024 ** 2,
  graceMs: 0,
}
const IDLE_MS = 120_000
/** One for each page that can be made at once; more would wait in vain. */
const MOST_IDLE = 2

/** This machine has none, with the reason. */
export class NoBrowser extends Error {}

export interface RunningBrowser extends AsyncDisposable {
  readonly devtools: Devtools
  readonly sandbox: Sandbox
}

/** One that is taken must be given back, when it is as it was, or else be ended. */
export interface TakenBrowser {
  /** @throws with a message for people when none can be started */
  readonly running: Promise<RunningBrowser>
  giveBack(): void
  end(): Promise<void>
}

export interface Browsers extends AsyncDisposable {
  announce(owner: string): void
  take(owner: string): TakenBrowser
  /** Those that wait for a page: whose pages they have shown, and as how many-th they were started. */
  readonly idle: readonly { readonly owner: string | undefined; readonly number: number }[]
  /** Aborted when all of this is to end. */
  readonly closing: AbortSignal
}

interface Started {
  readonly running: Promise<RunningBrowser>
  readonly number: number
}

interface Idle extends Started {
  /** Undefined for one that has shown nothing yet. */
  readonly owner: string | undefined
  readonly timer: NodeJS.Timeout
}

/** Starts nothing by itself. */
export function createBrowsers({ host, browser, idleMs = IDLE_MS, limits = BROWSER_LIMITS }: BrowserOptions): Browsers {
  const closing = new AbortController()
  const all = new Set<Promise<RunningBrowser>>()
  let idle: Idle[] = []
  let started = 0

  const end = async ({ running }: Pick<Started, 'running'>) => {
    idle = idle.filter((one) => one.running !== running)
    const open = await running.catch(() => undefined)
    await open?.[Symbol.asyncDispose]()
    all.delete(running)
  }
  const start = (): Started => {
    const running = browser().then(
      (found) => startBrowser(found, host, limits),
      (cause: unknown) => {
        throw new NoBrowser(messageOf(cause), { cause })
      },
    )
    all.add(running)
    // Also one that ends by itself leaves an identity to be given back.
    const ended = () => void end({ running })
    running.then(({ sandbox }) => sandbox.exited.then(ended), ended)
    return { running, number: ++started }
  }
  const wait = ({ running, number }: Started, owner: string | undefined) => {
    if (closing.signal.aborted) return void end({ running })
    const timer = setTimeout(() => void end({ running }), idleMs).unref()
    idle.push({ running, number, owner, timer })
    const oldest = idle[0]
    if (idle.length > MOST_IDLE && oldest) void end(oldest)
  }
  /** One of the owner's first: it is warm. */
  const find = (owner: string) =>
    idle.findLast((one) => one.owner === owner) ?? idle.findLast((one) => one.owner === undefined)

  return {
    get idle() {
      return idle.map(({ owner, number }) => ({ owner, number }))
    },
    closing: closing.signal,
    announce: (owner) => {
      if (!find(owner) && !closing.signal.aborted) wait(start(), undefined)
    },
    take: (owner) => {
      const found = find(owner)
      clearTimeout(found?.timer)
      idle = idle.filter((one) => one !== found)
      const taken = found ?? start()
      return { running: taken.running, giveBack: () => wait(taken, owner), end: () => end(taken) }
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort()
      for (const { timer } of idle) clearTimeout(timer)
      await Promise.all([...all].map((running) => end({ running })))
    },
  }
}

/** The first start after set-up reads 230 MB from a disk. */
const START_MS = 30_000

async function startBrowser(browser: Browser, host: SandboxHost, limits: SandboxLimits): Promise<RunningBrowser> {
  await using starting = new AsyncDisposableStack()
  const { uid, release } = host.takeUid()
  starting.defer(release)
  const bare = host.level === 0
  const home = bare ? await mkdtemp(join(tmpdir(), 'fieldbook-browser-')) : HOME
  if (bare) starting.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  const sandbox = starting.use(
    await openSandbox(
      {
        command: browserCommand(browser, join(home, 'profile')),
        cwd: home,
        env: {
          HOME: home,
          PATH: '/usr/bin:/bin',
          LANG: 'C.UTF-8',
          TZ: 'UTC',
          TMPDIR: bare ? home : '/tmp',
          ...browser.env,
        },
        mounts: bare ? [] : browser.mounts,
        channel: true,
        limits,
        ...(uid === undefined ? {} : { uid }),
      },
      host,
    ),
  )
  if (!sandbox.channel) throw new Error('the sandbox has no channel')
  const devtools = openDevtools(sandbox.channel)
  void devtools.closed.then(() => sandbox.end('lost')) // nothing more is to be had of it
  const timer = setTimeout(() => sandbox.end('timeout'), START_MS)
  try {
    await devtools.send('Browser.getVersion')
  } catch {
    sandbox.end('timeout')
    const { stderrTail } = await sandbox.exited
    throw new Error(`The browser did not start: ${stderrTail.trim().split('\n').at(-1) || 'it said nothing'}`)
  } finally {
    clearTimeout(timer)
  }
  const open = starting.move()
  return { devtools, sandbox, [Symbol.asyncDispose]: () => open.disposeAsync() }
}
