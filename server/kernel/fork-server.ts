/**
 * A fork server: a Python process that has everything imported and forks a kernel when asked. Owns that process, the socket
 * its children connect to, and the control channel; knows nothing of sandboxes' settings or of notebooks.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Image } from '../sandbox/image.ts'
import { type Exit, type Order, readEvents, type Up } from './control.ts'
import { createFrameReader, messageOf } from './frames.ts'
import { openShortFolder } from './short-folder.ts'
import type { Message } from './wire.ts'

export interface Fork {
  readonly id: string
  readonly socket: Socket
  /** The kernel's first message: its `kernel_info_reply`. */
  readonly ready: Message
  /** Resolves when nothing of the run is left; undefined when the fork server ended with it, or before it. */
  readonly gone: Promise<Exit | undefined>
}

export interface ForkServer extends AsyncDisposable {
  readonly pid: number
  readonly up: Up
  /** Forks one kernel; `order` has what `runner/forks/server.py` takes for a spawn. Rejects with ForkFailed. */
  fork(id: string, order: Readonly<Record<string, unknown>>): Promise<Fork>
  /** Orders for a fork that is gone change nothing. */
  signal(id: string, signal: number): void
  kill(id: string): void
  /** Drops what is kept of a fork that is gone: its OUTPUT_DIR. */
  forget(id: string): void
  /** Resolves with the reason when the process has ended, also when it was closed. */
  readonly ended: Promise<string>
}

/** Cause: the child could not enter its sandbox or did not answer. Handled by: the run starts a cold kernel instead. */
export class ForkFailed extends Error {
  override readonly name = 'ForkFailed'
}

/** Importing everything takes about 1.5 s here; a cold disk can take a multiple. */
const UP_MS = 120_000
/** A fork is ready after about 40 ms; on a machine that swaps, later. */
const READY_MS = 20_000
/** Killing a run takes milliseconds; a fork server that does not report its end is stuck, and ended itself. */
const KILLED_MS = 10_000
const FIRST_FRAME_BYTES = 1 << 20
const TAIL_BYTES = 8192

const SCRIPT = fileURLToPath(new URL('../../runner/fork_server.py', import.meta.url))

/** Numeric libraries start one thread per core when they are loaded, and a process with threads can't be forked safely. */
const ONE_THREAD = Object.fromEntries(
  ['OPENBLAS', 'OMP', 'MKL', 'NUMEXPR'].map((library) => [`${library}_NUM_THREADS`, '1']),
)

interface Waiting {
  readonly arrived: PromiseWithResolvers<{ socket: Socket; ready: Message }>
  readonly gone: PromiseWithResolvers<Exit | undefined>
}

/** Resolves when it can fork. `opening` is the first order without its socket, which is made below `root`; rejects with ForkFailed. */
export async function openForkServer(
  image: Image,
  opening: Readonly<Record<string, unknown>>,
  root: string,
  signal?: AbortSignal,
): Promise<ForkServer> {
  signal?.throwIfAborted()
  await using parts = new AsyncDisposableStack()
  const waiting = new Map<string, Waiting>()
  const folder = await openShortFolder(root)
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const listener = join(folder, 's')
  parts.use(
    await listen(listener, (id, socket, ready) => {
      const fork = waiting.get(id)
      if (fork) fork.arrived.resolve({ socket, ready })
      else socket.destroy()
    }),
  )

  const child = spawn(image.python, ['-B', SCRIPT], {
    cwd: '/',
    env: serverEnvironment(image),
    // Away from our terminal: Ctrl-C must reach the service only, which then ends everything in order.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  parts.defer(() => endChild(child))
  const control = child.stdio[3]
  if (!(control instanceof Duplex)) throw new ForkFailed('no control channel')
  const tail = collectTail(child)
  const up = Promise.withResolvers<Up>()
  const ended = Promise.withResolvers<string>()
  up.promise.catch(() => {}) // an abort may be heard first

  const lost = (why: string) => {
    up.reject(new ForkFailed(`the fork server ended: ${why}${tail()}`))
    for (const { arrived, gone } of waiting.values()) {
      arrived.reject(new ForkFailed(`the fork server ended: ${why}`))
      gone.resolve(undefined)
    }
    waiting.clear()
    ended.resolve(why)
  }
  child.on('error', (error) => lost(error.message))
  child.on('exit', (code, by) => lost(by ?? `exit code ${code}`))
  control.on('error', () => {}) // the exit follows
  readEvents(
    control,
    (event) => {
      if (event.ev === 'up') return up.resolve(event)
      if (event.ev === 'failed') return up.reject(new ForkFailed(event.why))
      if (event.ev === 'spawned') return
      const fork = waiting.get(event.id)
      if (event.ev === 'unspawned') fork?.arrived.reject(new ForkFailed(event.why))
      else fork?.arrived.reject(new ForkFailed(`the kernel ended before it was ready${tail()}`))
      fork?.gone.resolve(event.ev === 'exit' ? event : undefined)
      waiting.delete(event.id)
    },
    (why) => {
      up.reject(new ForkFailed(`the fork server said ${why}`))
      child.kill('SIGKILL')
    },
  )
  const send = (order: Order | Readonly<Record<string, unknown>>) => {
    if (control.writable) control.write(`${JSON.stringify(order)}\n`)
  }
  send({ op: 'open', listener, ...opening })
  const facts = await within(UP_MS, up.promise, 'the fork server did not come up', signal)

  const kill = (id: string) => {
    const fork = waiting.get(id)
    if (!fork) return
    send({ op: 'kill', id })
    const timer = setTimeout(() => child.kill('SIGKILL'), KILLED_MS)
    void fork.gone.promise.then(() => clearTimeout(timer))
  }
  const fork = async (id: string, order: Readonly<Record<string, unknown>>): Promise<Fork> => {
    const entry: Waiting = { arrived: Promise.withResolvers(), gone: Promise.withResolvers() }
    entry.arrived.promise.catch(() => {})
    if (child.exitCode !== null || child.signalCode !== null) throw new ForkFailed('the fork server has ended')
    waiting.set(id, entry)
    send({ op: 'spawn', id, ...order })
    try {
      const { socket, ready } = await within(READY_MS, entry.arrived.promise, 'the kernel did not get ready', undefined)
      return { id, socket, ready, gone: entry.gone.promise }
    } catch (error) {
      kill(id)
      await entry.gone.promise // the fork server answers, or ends and everything with it
      send({ op: 'forget', id })
      throw error
    }
  }
  const owned = parts.move()
  return {
    pid: child.pid ?? 0,
    up: facts,
    fork,
    signal: (id, number) => send({ op: 'signal', id, signal: number }),
    kill,
    forget: (id) => send({ op: 'forget', id }),
    ended: ended.promise,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A fresh name: hexadecimal, because it becomes a folder, a control group and a word on the control channel. */
export const newForkId = () => randomBytes(8).toString('hex')

/** Takes connections; each is known by the id in its first frame, which is sent before any line of a notebook runs. */
async function listen(
  path: string,
  arrived: (id: string, socket: Socket, ready: Message) => void,
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const reader = createFrameReader(FIRST_FRAME_BYTES)
    socket.on('error', () => socket.destroy())
    socket.setTimeout(READY_MS, () => socket.destroy())
    const first = (piece: Buffer) => {
      try {
        const [frame] = reader.take(piece)
        if (!frame) return
        const ready = messageOf(frame)
        const id: unknown = JSON.parse(frame.json.toString()).id
        if (ready.header.msg_type !== 'ready' || typeof id !== 'string') return socket.destroy()
        socket.off('data', first)
        socket.pause()
        socket.setTimeout(0)
        arrived(id, socket, ready)
      } catch {
        socket.destroy()
      }
    }
    socket.on('data', first)
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** The end of the control channel is its order to end; a fork server that doesn't hear it is killed. */
async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.stdio[3]?.destroy()
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000)
  await exited
  clearTimeout(timer)
  child.stderr?.destroy()
}

function serverEnvironment(image: Image): Record<string, string> {
  const [fontFile] = image.fontFiles
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    HOME: '/nonexistent',
    PYTHONDONTWRITEBYTECODE: '1',
    ...(fontFile ? { MPLCONFIGDIR: dirname(fontFile) } : {}),
    ...image.env,
    ...ONE_THREAD,
  }
}

function collectTail(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (piece: Buffer) => {
    text = (text + piece.toString()).slice(-TAIL_BYTES)
  })
  return () => (text.trim() ? `: ${text.trim()}` : '')
}

async function within<T>(ms: number, promise: Promise<T>, late: string, signal: AbortSignal | undefined): Promise<T> {
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => limit.reject(new ForkFailed(`${late} within ${ms} ms`)), ms)
  const onAbort = () => limit.reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, limit.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
