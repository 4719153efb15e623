/**
 * A kernel of an image in a sandbox of its own, started cold and used for one execution. The way for whatever can't be
 * forked, and the one that stays when forking fails. Owns the sandbox, the sockets and the short folder they live in.
 */
import { randomBytes } from 'node:crypto'
import { access, chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../ground/errors.ts'
import { environmentOf, fontMounts, type Places, placesInside } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { Kernelspec } from '../sandbox/kernelspecs.ts'
import type { OpenFolder } from '../sandbox/open-folder.ts'
import { type Ending, openSandbox, type Sandbox, type SandboxProcess } from '../sandbox/process.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { SESSION_LIMITS, type Session, type SessionLimits } from './session.ts'
import { openShortFolder } from './short-folder.ts'
import type { Content } from './wire.ts'
import { openZmqSession } from './zmq-session.ts'

/** Closing it ends the process and all it started; its OUTPUT_DIR can be read until it is released. */
export interface Kernel extends AsyncDisposable {
  readonly session: Session
  readonly process: SandboxProcess
  /** The content of the kernel's `kernel_info_reply`, to be stored as the notebook's language_info. */
  readonly info: Content
  /** OUTPUT_DIR as this process reaches it. */
  readonly outputs: string
  /**
   * Lets the kernel end by itself, so that files left open are written out and `atexit` functions run; one that takes
   * longer than `limitMs` is left to be killed.
   */
  finish(limitMs: number): Promise<void>
  /** Gives back what outlives the process: OUTPUT_DIR, the identity, the control group. Closes it before, if need be. */
  release(): Promise<void>
}

export interface KernelOptions {
  readonly image: Image
  /** Of another language than the image's Python. */
  readonly kernelspec?: Kernelspec
  readonly host: SandboxHost
  /** The run's own, which its caller makes and removes. */
  readonly folder: string
  /** Below `folder`, or anywhere; read-only inside, and must be readable for everyone. */
  readonly inputs: string
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

/** What runs inside the sandboxes, on this machine. */
export const RUNNER = fileURLToPath(new URL('../../runner', import.meta.url))
const RUNNER_INSIDE = '/runner'
const IPC_INSIDE = '/ipc'
const CONNECTION_FILE = 'k.json'
/** Within this long of its last connection's end, a process that died is known to have. */
const REAPED_MS = 1000

/** Resolves when the kernel has answered on both channels; rejects with KernelNotStarted or the signal's reason. */
export async function openKernel(options: KernelOptions): Promise<Kernel> {
  const { host, limits, signal, folder } = options
  await using parts = new AsyncDisposableStack()
  const { uid, release } = host.takeUid()
  parts.defer(release)
  const bare = host.level === 0
  const inside = placesInside(host, folder)
  if (bare) for (const path of [inside.outputs, inside.work]) await mkdir(path, { recursive: true })
  const bareIpc = bare ? await openShortFolder(dirname(folder)) : undefined
  if (bareIpc) parts.defer(() => rm(bareIpc, { recursive: true, force: true }))
  const ipcInside = bareIpc ?? IPC_INSIDE
  const key = randomBytes(32).toString('hex')
  const connection = connectionFile(ipcInside, key)
  if (bareIpc) await writeFile(join(bareIpc, CONNECTION_FILE), connection, { mode: 0o600 })

  const process = parts.use(
    await openSandbox(
      {
        command: kernelCommand(options, ipcInside),
        cwd: inside.work,
        env: { ...environmentOf(options.image, inside, host), ...options.kernelspec?.env },
        mounts: [
          ...options.image.mounts,
          ...fontMounts(options.image),
          { source: options.inputs, target: inside.inputs },
          { source: RUNNER, target: RUNNER_INSIDE },
        ],
        outputFolder: inside.outputs,
        talkFolder: { path: IPC_INSIDE, files: { [CONNECTION_FILE]: connection } },
        limits,
        ...(uid === undefined ? {} : { uid }),
      },
      host,
      signal ? { signal } : {},
    ),
  )
  const startMs = options.startMs ?? 60_000
  const ipc = bareIpc ?? parts.use(await openTalk(process, startMs, signal)).path
  const session = openZmqSession({ prefix: join(ipc, 'k'), key, limits: options.sessionLimits ?? SESSION_LIMITS })
  parts.use(session)
  const info = await firstAnswer(session, process, startMs, signal)
  if (uid !== undefined && !bare) await closeTalk(ipc)
  const outputs = parts.use(await openOutputs(process, inside))
  const owned = parts.move()
  return {
    session,
    process,
    info,
    outputs: outputs.path,
    finish: async (limitMs) => {
      session.shutdown()
      await Promise.race([process.exited, setTimeout(limitMs, undefined, { ref: false })])
    },
    [Symbol.asyncDispose]: async () => {
      await process[Symbol.asyncDispose]()
      await session[Symbol.asyncDispose]()
    },
    release: () => owned.disposeAsync(),
  }
}

/**
 * The folder of the sockets, as soon as the sandbox has its file systems: some ten milliseconds after its process is there.
 * Through the handle their paths are also short enough, whatever the service's folders are called.
 */
async function openTalk(process: Sandbox, startMs: number, signal: AbortSignal | undefined): Promise<OpenFolder> {
  const until = performance.now() + startMs
  let gone: Ending | undefined
  void process.exited.then((ending) => {
    gone = ending
  })
  while (!gone) {
    if (performance.now() > until)
      throw new KernelNotStarted(`the folder of its sockets was not there within ${startMs} ms`)
    await using trying = new AsyncDisposableStack()
    try {
      const folder = trying.use(await process.openFolder(IPC_INSIDE))
      await access(join(folder.path, CONNECTION_FILE))
      trying.move()
      return folder
    } catch {
      await setTimeout(2) // not there yet
    }
  }
  signal?.throwIfAborted()
  throw new KernelNotStarted('the interpreter ended before it answered', gone)
}

/**
 * The sockets are there; from now on the run can put nothing else in their place, a link to a socket of the machine's say,
 * to which a connection that breaks would be made again. An ordinary user's sandbox has no power that its service lacks.
 */
async function closeTalk(ipc: string): Promise<void> {
  await chown(ipc, 0, 0)
  await chmod(ipc, 0o755)
}

/** Before any cell, so that no notebook can have put something else there. */
async function openOutputs(process: Sandbox, inside: Places) {
  try {
    return await process.openFolder(inside.outputs)
  } catch (error) {
    throw new KernelNotStarted(`OUTPUT_DIR could not be opened (${messageOf(error)})`)
  }
}

/** The socket paths are `<ip>-<port>`, as ipykernel makes them. */
function connectionFile(folder: string, key: string): string {
  const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 }
  return JSON.stringify({ transport: 'ipc', ip: join(folder, 'k'), key, signature_scheme: 'hmac-sha256', ...ports })
}

/** History in memory: on disk it would be a database and a thread, for nobody. */
function kernelCommand({ image, host, kernelspec }: KernelOptions, ipc: string): [string, ...string[]] {
  const connection = join(ipc, CONNECTION_FILE)
  if (kernelspec) {
    const [program, ...args] = kernelspec.argv
    return [program, ...args.map((arg) => arg.replaceAll('{connection_file}', connection))]
  }
  const runner = join(host.level === 0 ? RUNNER : RUNNER_INSIDE, 'kernel.py')
  return [image.python, runner, '-f', connection, '--HistoryManager.hist_file=:memory:']
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
  // The end of a connection mostly comes a moment before the end of its process, which tells more.
  const ready = session.ready().catch(async (error: unknown): Promise<never> => {
    await Promise.race([died, setTimeout(REAPED_MS, undefined, { ref: false })])
    signal?.throwIfAborted()
    throw new KernelNotStarted(messageOf(error))
  })
  ready.catch(() => {}) // when the others are first
  try {
    const reply = await Promise.race([ready, died, late.promise])
    return reply.content
  } finally {
    clearTimeout(timer)
  }
}
