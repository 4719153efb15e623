/**
 * A Python kernel of an image in a sandbox of its own, used for one execution and never again.
 * Owns the sandbox, the sockets and the short folder they live in; when it is closed nothing of them is left.
 */
import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { environmentOf, type Folders, mountsOf, placesInside } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import { type Ending, openSandbox, type SandboxProcess } from '../sandbox/process.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { SESSION_LIMITS, type Session, type SessionLimits } from './session.ts'
import type { Content } from './wire.ts'
import { openZmqSession } from './zmq-session.ts'

export interface Kernel extends AsyncDisposable {
  readonly session: Session
  readonly process: SandboxProcess
  /** The content of the kernel's `kernel_info_reply`, to be stored as the notebook's language_info. */
  readonly info: Content
  /**
   * Lets the kernel end by itself, so that files left open are written out and `atexit` functions run; one that takes
   * longer than `limitMs` is left to be killed.
   */
  finish(limitMs: number): Promise<void>
}

export interface KernelOptions {
  readonly image: Image
  readonly host: SandboxHost
  /** Inputs are read-only inside, and must be readable for everyone; outputs and work are given to the sandbox's identity. */
  readonly folders: Omit<Folders, 'ipc'>
  readonly limits: SandboxLimits
  readonly sessionLimits?: SessionLimits
  /** Until the first answer; a cold disk can take a multiple of the usual half second. */
  readonly startMs?: number
  readonly signal?: AbortSignal
}

/** Cause: the interpreter ended, or did not answer, before it could take a first cell. Handled by: the execution ends as our fault. */
export class KernelNotStarted extends Error {
  override readonly name = 'KernelNotStarted'
  readonly ending: Ending | undefined

  constructor(message: string, ending?: Ending) {
    super(message)
    this.ending = ending
  }
}

const RUNNER = fileURLToPath(new URL('../../runner', import.meta.url))
const RUNNER_INSIDE = '/runner'
/** sun_path is 108 bytes with its end; the sockets are called k-1 … k-5. */
const MAX_FOLDER_BYTES = 107 - '/k-1'.length

/** Resolves when the kernel has answered on both channels; rejects with KernelNotStarted or the signal's reason. */
export async function openKernel(options: KernelOptions): Promise<Kernel> {
  const { host, limits, signal } = options
  await using parts = new AsyncDisposableStack()
  const ipc = await openIpcFolder(dirname(options.folders.work))
  parts.defer(() => rm(ipc, { recursive: true, force: true }))
  const { uid, release } = host.takeUid()
  parts.defer(release)
  const folders = { ...options.folders, ipc }
  const inside = placesInside(host, folders)
  const key = randomBytes(32).toString('hex')
  await writeFile(join(ipc, 'k.json'), connectionFile(inside.ipc, key), { mode: 0o600 })
  if (uid !== undefined && host.level > 0) await give(uid, [folders.outputs, folders.work, ipc, join(ipc, 'k.json')])

  const process = parts.use(
    await openSandbox(
      {
        command: kernelCommand(options.image, host, inside),
        cwd: inside.work,
        env: environmentOf(options.image, inside, host),
        mounts: [...mountsOf(options.image, folders, inside), { source: RUNNER, target: RUNNER_INSIDE }],
        limits,
        ...(uid === undefined ? {} : { uid }),
      },
      host,
      signal ? { signal } : {},
    ),
  )
  const session = parts.use(
    openZmqSession({ prefix: join(ipc, 'k'), key, limits: options.sessionLimits ?? SESSION_LIMITS }),
  )
  const info = await firstAnswer(session, process, options.startMs ?? 60_000, signal)
  const owned = parts.move()
  const finish = async (limitMs: number) => {
    session.shutdown()
    await Promise.race([process.exited, setTimeout(limitMs, undefined, { ref: false })])
  }
  return { session, process, info, finish, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Beside the working folder, which is cleared after a crash; where that makes too long a path, in the shortest place. */
async function openIpcFolder(beside: string): Promise<string> {
  const base = [beside, tmpdir(), '/tmp'].find((path) => Buffer.byteLength(`${path}/fb-123456`) <= MAX_FOLDER_BYTES)
  return mkdtemp(join(base ?? '/tmp', 'fb-'))
}

/** The socket paths are `<ip>-<port>`, as ipykernel makes them. */
function connectionFile(folder: string, key: string): string {
  const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 }
  return JSON.stringify({ transport: 'ipc', ip: join(folder, 'k'), key, signature_scheme: 'hmac-sha256', ...ports })
}

async function give(uid: number, paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => chown(path, uid, uid)))
}

/** History in memory: on disk it would be a database and a thread, for nobody. */
function kernelCommand(image: Image, host: SandboxHost, inside: Folders): [string, ...string[]] {
  const runner = join(host.level === 0 ? RUNNER : RUNNER_INSIDE, 'kernel.py')
  return [image.python, runner, '-f', join(inside.ipc, 'k.json'), '--HistoryManager.hist_file=:memory:']
}

async function firstAnswer(
  session: Session,
  process: SandboxProcess,
  startMs: number,
  signal: AbortSignal | undefined,
): Promise<Content> {
  const late = Promise.withResolvers<never>()
  const timer = globalThis.setTimeout(
    () => late.reject(new KernelNotStarted(`no answer within ${startMs} ms`)),
    startMs,
  )
  const died = process.exited.then((ending): never => {
    signal?.throwIfAborted()
    throw new KernelNotStarted('the interpreter ended before it answered', ending)
  })
  died.catch(() => {}) // after a good start this is an ordinary end
  try {
    const reply = await Promise.race([session.ready(), died, late.promise])
    return reply.content
  } finally {
    clearTimeout(timer)
  }
}
