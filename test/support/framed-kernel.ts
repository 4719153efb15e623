/**
 * Framed kernels without a sandbox: one Python process prepares, and forks a kernel whenever a test asks for one. What a
 * test gets is an ordinary kernel, which runCells and the rest of server/kernel take as any other.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openFramedSession } from '../../server/kernel/framed-session.ts'
import { createFrameReader, messageOf } from '../../server/kernel/frames.ts'
import type { Kernel } from '../../server/kernel/kernel.ts'
import { SESSION_LIMITS } from '../../server/kernel/session.ts'
import type { Message } from '../../server/kernel/wire.ts'
import { fontMounts } from '../../server/sandbox/environment.ts'
import type { Image } from '../../server/sandbox/image.ts'
import type { Ending } from '../../server/sandbox/process.ts'

const RUNNER = join(import.meta.dirname, '../../runner')
const DRIVER = join(import.meta.dirname, 'framed_fork.py')

export interface FramedKernel extends Kernel {
  readonly pid: number
  /** Its home and, at the start, its current folder. */
  readonly home: string
  /** To its whole process group. */
  interrupt(): void
  /** Leaves what it sends unread. */
  pause(): void
  resume(): void
}

export interface FramedFork extends AsyncDisposable {
  /** What `preload.prepare` gave. */
  readonly facts: Readonly<Record<string, unknown>>
  kernel(): Promise<FramedKernel>
}

/** Prepares once; `modules` replaces the list of what is imported before the forks. */
export async function openFramedFork(image: Image, modules?: readonly string[]): Promise<FramedFork> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'fb-framed-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const listener = createServer({ pauseOnConnect: true })
  const path = join(folder, 's')
  await new Promise<void>((resolve) => listener.listen(path, resolve))
  parts.defer(() => new Promise<void>((resolve) => listener.close(() => resolve())))
  const driver = startDriver(image, folder, modules)
  parts.defer(() => endDriver(driver))
  const heard = new Map<string, (line: Readonly<Record<string, unknown>>) => void>()
  const facts = Promise.withResolvers<Readonly<Record<string, unknown>>>()
  const ended = new Promise<never>((_, reject) => {
    driver.once('exit', (code) => reject(new Error(`the driver ended with ${code}`)))
  })
  ended.catch(() => {}) // at its own end nobody waits for it
  createInterface({ input: driver.stdout }).on('line', (line) => {
    const parsed = JSON.parse(line) as Readonly<Record<string, unknown>> // the driver's own words
    const id = parsed['id']
    if (typeof id === 'string') heard.get(id)?.(parsed)
    else facts.resolve(parsed)
  })
  const prepared = await Promise.race([facts.promise, ended])
  const owned = parts.move()
  let forked = 0
  const forkOne = async () => {
    const id = `k${++forked}`
    const home = join(folder, id)
    await mkdir(home)
    const pid = Promise.withResolvers<number>()
    const status = Promise.withResolvers<number>()
    heard.set(id, (line) => {
      if (typeof line['pid'] === 'number') pid.resolve(line['pid'])
      if (typeof line['status'] === 'number') status.resolve(line['status'])
    })
    const connected = new Promise<Socket>((resolve) => listener.once('connection', resolve))
    driver.stdin.write(`${JSON.stringify([id, home, path])}\n`)
    const socket = await Promise.race([connected, ended])
    return openKernel(socket, await pid.promise, Promise.race([status.promise, ended]), home)
  }
  let last: Promise<unknown> = Promise.resolve()
  return {
    facts: prepared,
    // One at a time, so that a connection is known to be of the kernel that was asked for.
    kernel: () => {
      const next = last.then(forkOne)
      last = next.catch(() => {})
      return next
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function startDriver(image: Image, folder: string, modules: readonly string[] | undefined) {
  const fonts = fontMounts(image).map(({ source }) => source)
  const args = [DRIVER, RUNNER, JSON.stringify({ modules: modules ?? null, fonts })]
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    MPLCONFIGDIR: join(folder, 'matplotlib'),
    OPENBLAS_NUM_THREADS: '1',
    OMP_NUM_THREADS: '1',
    ...image.env,
  }
  return spawn(image.python, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
}

/** The kernels end with their sockets. */
async function endDriver(driver: ChildProcess): Promise<void> {
  const gone = new Promise<void>((resolve) => driver.once('exit', () => resolve()))
  driver.stdin?.end()
  if (driver.exitCode === null && driver.signalCode === null) await gone
}

async function openKernel(socket: Socket, pid: number, status: Promise<number>, home: string): Promise<FramedKernel> {
  const info = await firstMessage(socket)
  const session = openFramedSession({ socket, info, limits: SESSION_LIMITS })
  const exited = status.then(endingOf)
  const end = () => signal(-pid, 'SIGINT')
  const close = async () => {
    signal(-pid, 'SIGKILL')
    await exited
    await session[Symbol.asyncDispose]()
  }
  return {
    session,
    info: info.content,
    outputs: home,
    home,
    pid,
    process: { exited, end, stderrTail: () => '', [Symbol.asyncDispose]: close },
    interrupt: end,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    finish: async () => {
      session.shutdown()
      await exited
    },
    release: async () => {},
    [Symbol.asyncDispose]: close,
  }
}

async function firstMessage(socket: Socket): Promise<Message> {
  const reader = createFrameReader(SESSION_LIMITS.messageBytes)
  return new Promise((resolve, reject) => {
    const take = (piece: Buffer) => {
      const [frame] = reader.take(piece)
      if (!frame) return
      socket.pause()
      socket.off('data', take)
      resolve(messageOf(frame))
    }
    socket.on('data', take)
    socket.on('close', () => reject(new Error('the kernel ended before it was ready')))
    socket.resume()
  })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}

function endingOf(status: number): Ending {
  const number = status & 0x7f
  return {
    reason: 'exited',
    exitCode: number === 0 ? status >> 8 : null,
    signal: number === 0 ? null : number === 9 ? 'SIGKILL' : `signal ${number}`,
    stderrTail: '',
    usage: {},
  }
}
