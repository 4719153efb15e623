/**
 * One process in a sandbox, from its start to the moment when nothing of it is left.
 * The first reason for its end wins; every ending has the same shape, good or bad.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { Readable, Writable } from 'node:stream'
import { unavailable } from '../ground/errors.ts'
import { bwrapCall, statusFd } from './bwrap.ts'
import { type Cgroup, openCgroup, type Usage } from './cgroup.ts'
import { assertUsable, type SandboxHost } from './host.ts'
import { type OpenFolder, openFolderInside } from './open-folder.ts'
import { graceMsOf, type SandboxSpec } from './spec.ts'

/** `exited`: by itself. `lost`: closed by its owner before it had ended. `serverLost`: its fork server ended with it. */
export type EndReason = 'exited' | 'timeout' | 'canceled' | 'outOfMemory' | 'lost' | 'serverLost'

export interface Ending {
  readonly reason: EndReason
  readonly exitCode: number | null
  readonly signal: string | null
  /** The last 8 KB, for people who look for the cause. */
  readonly stderrTail: string
  /** What it took, as far as the machine tells; empty without a control group. */
  readonly usage: Usage
}

export interface SandboxProcess extends AsyncDisposable {
  /** Never rejects; resolves when the process, all it started and its control group are gone. */
  readonly exited: Promise<Ending>
  /** Asks politely (SIGINT to the process group), and kills everything after the grace time. */
  end(reason: EndReason): void
  stderrTail(): string
}

/** The service's ends of a channel. */
export interface Channel {
  readonly send: Writable
  readonly receive: Readable
}

/** One that bubblewrap made, or none. */
export interface Sandbox extends SandboxProcess {
  /** Where its `SandboxSpec` asked for one; closed with the process. */
  readonly channel: Channel | undefined
  /**
   * Opens a folder by its path inside, and with it the file system it is on: what is in it can be read when the sandbox is
   * gone, and takes memory until the folder is closed. Call it before the process gets any order of a user.
   * @throws when the process has ended already
   */
  openFolder(path: string): Promise<OpenFolder>
}

const TAIL_BYTES = 8192

/** A pid namespace empties in milliseconds; what is there after this long is killed by its control group. */
const SECOND_NET_MS = 1000

/** Starts it. An aborted signal ends it with the reason `timeout` if the abort was one (`TimeoutError`), else `canceled`. */
export async function openSandbox(
  spec: SandboxSpec,
  host: SandboxHost,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Sandbox> {
  assertUsable(host)
  if (host.level === 1)
    throw unavailable('Only kernels of the fork server run on this machine: it allows no namespaces')
  signal?.throwIfAborted()
  const cgroup = host.cgroup && host.level > 0 ? await openCgroup(host.cgroup, spec.limits) : undefined
  const child = host.level === 0 ? startBare(spec) : startSandboxed(spec, host, cgroup)
  try {
    await once(child, 'spawn')
  } catch (error) {
    await cgroup?.remove()
    throw error
  }
  return superviseChild(child, spec, cgroup, host.level === 0, signal)
}

function startBare(spec: SandboxSpec): ChildProcess {
  const [program, ...args] = spec.command
  // A process group of its own is all that can be killed as one without a namespace.
  return spawn(program, args, {
    cwd: spec.cwd,
    env: spec.env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', ...channelPipes(spec)],
  })
}

const channelPipes = ({ channel }: SandboxSpec): 'pipe'[] => (channel ? ['pipe', 'pipe'] : [])

function startSandboxed(spec: SandboxSpec, host: SandboxHost, cgroup: Cgroup | undefined): ChildProcess {
  const { command, data } = bwrapCall(spec, host)
  const [program, ...args] = cgroup ? throughGroup(command, cgroup) : command
  const child = spawn(program, args, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    // Away from our terminal: Ctrl-C must reach the service only, which then ends its sandboxes in order.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', ...channelPipes(spec), 'pipe', ...data.map((): 'pipe' => 'pipe')],
  })
  data.forEach((content, index) => {
    const pipe = child.stdio[statusFd(spec) + 1 + index]
    if (!(pipe instanceof Writable)) return
    pipe.on('error', () => {}) // bwrap gave up before it had read; its exit and stderr tell why
    pipe.end(content)
  })
  return child
}

/** A process enters its group before it becomes bwrap, so that there is no moment in which it could fork outside. */
function throughGroup(command: readonly string[], cgroup: Cgroup): [string, ...string[]] {
  const enter = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 126; shift; done; shift; exec "$@"'
  return ['/bin/sh', '-c', enter, 'sh', ...cgroup.procs, '--', ...command]
}

function superviseChild(
  child: ChildProcess,
  spec: SandboxSpec,
  cgroup: Cgroup | undefined,
  bare: boolean,
  signal: AbortSignal | undefined,
): Sandbox {
  const stderrTail = collectTail(child.stderr)
  const status = bare ? undefined : readStatus(child, statusFd(spec))
  const gone = exitOf(child)
  let reason: EndReason | undefined
  let killTimer: NodeJS.Timeout | undefined
  let netTimer: NodeJS.Timeout | undefined

  const kill = () => {
    killAll(child, status, bare)
    if (!hasExited(child)) netTimer ??= setTimeout(() => void cgroup?.kill(), SECOND_NET_MS)
  }
  const end = (why: EndReason) => {
    if (reason !== undefined || hasExited(child)) return
    reason = why
    interruptGroup(child, status, bare)
    killTimer = setTimeout(kill, graceMsOf(spec.limits, why))
  }
  const onAbort = () => end(isTimeout(signal?.reason) ? 'timeout' : 'canceled')
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()

  const settle = async (): Promise<Ending> => {
    const { code, signal: by } = await gone
    clearTimeout(killTimer)
    clearTimeout(netTimer)
    signal?.removeEventListener('abort', onAbort)
    if (bare) killAll(child, status, bare) // what it left in its group
    for (const stream of child.stdio) stream?.destroy()
    const killedByLimit = cgroup !== undefined && (await cgroup.oomKills()) > 0
    const usage = (await cgroup?.usage()) ?? {}
    await cgroup?.remove()
    const how = howItEnded(code, by)
    const ownReason = killedByLimit && how.signal === 'SIGKILL' ? 'outOfMemory' : 'exited'
    return { reason: reason ?? ownReason, ...how, stderrTail: stderrTail(), usage }
  }
  const exited = settle()
  return {
    exited,
    end,
    channel: spec.channel ? channelOf(child) : undefined,
    openFolder: async (path) => {
      if (!bare && status?.initPid === undefined) throw new Error('the sandbox has no process yet')
      const folder = await openFolderInside(status?.initPid, path)
      if (!hasExited(child)) return folder
      // The pid may have been somebody else's by then.
      await folder[Symbol.asyncDispose]()
      throw new Error('the sandbox has ended')
    },
    stderrTail,
    [Symbol.asyncDispose]: async () => {
      reason ??= hasExited(child) ? undefined : 'lost'
      kill()
      await exited
    },
  }
}

/** Errors are heard by whoever reads and writes; without anybody they must not end the service. */
function channelOf(child: ChildProcess): Channel | undefined {
  const [, , , send, receive] = child.stdio
  if (!(send instanceof Writable && receive instanceof Readable)) return undefined
  send.on('error', () => {}) // EPIPE: its exit tells why
  receive.on('error', () => {})
  return { send, receive }
}

const hasExited = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null
export const isTimeout = (reason: unknown) => reason instanceof Error && reason.name === 'TimeoutError'

function collectTail(stream: Readable | null): () => string {
  let tail = Buffer.alloc(0)
  stream?.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail.subarray(-TAIL_BYTES), chunk.subarray(-TAIL_BYTES)])
  })
  return () => tail.subarray(-TAIL_BYTES).toString()
}

/** What bwrap reports as JSON lines: first the pid of its first process inside. */
interface Status {
  initPid?: number
}

function readStatus(child: ChildProcess, fd: number): Status {
  const status: Status = {}
  const pipe = child.stdio[fd]
  if (!(pipe instanceof Readable)) return status
  let text = ''
  pipe.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(0, 4096)
    const pid = text.match(/"child-pid": *(\d+)/)?.[1]
    if (pid !== undefined) status.initPid = Number(pid)
  })
  return status
}

/** Waits for the exit, not for the pipes: with its pid 1 a namespace is empty. */
async function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (!hasExited(child)) await once(child, 'exit')
  // Data that was written before the exit is already in the pipe, and read before a macrotask comes round again.
  await new Promise((resolve) => setImmediate(resolve))
  return { code: child.exitCode, signal: child.signalCode }
}

/** bwrap hands a death by signal on as 128 + its number, as a shell does. */
function howItEnded(code: number | null, by: NodeJS.Signals | null): Pick<Ending, 'exitCode' | 'signal'> {
  if (by !== null) return { exitCode: null, signal: by }
  const name = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0]
  return name === undefined ? { exitCode: code, signal: null } : { exitCode: null, signal: name }
}

/**
 * The kernel empties a pid namespace when its pid 1 dies; bwrap then ends by itself and reports. Before that one is
 * known, bwrap's whole group is killed: its fork, still waiting for a user namespace's map that only the dead parent
 * could have written, would wait for ever and hold our pipes.
 */
function killAll(child: ChildProcess, status: Status | undefined, bare: boolean): void {
  if (bare) signalTo(-(child.pid ?? 0), 'SIGKILL')
  else if (!hasExited(child)) signalTo(status?.initPid ?? -(child.pid ?? 0), 'SIGKILL')
}

/**
 * To the program's whole group: a `subprocess.run` inside must let go as well. The group is led by the namespace's first
 * process, which itself can't be interrupted.
 */
function interruptGroup(child: ChildProcess, status: Status | undefined, bare: boolean): void {
  if (bare) signalTo(-(child.pid ?? 0), 'SIGINT')
  else if (status?.initPid === undefined) killAll(child, status, bare)
  else if (!hasExited(child)) signalTo(-status.initPid, 'SIGINT')
}

/** 0 and 1 are not pids of ours: the first would be our own group, -1 every process of this user. */
function signalTo(pid: number, name: NodeJS.Signals): void {
  if (Math.abs(pid) <= 1) return
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH: it was faster
  }
}
