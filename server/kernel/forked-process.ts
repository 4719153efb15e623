/**
 * A process that a fork server has forked into a sandbox of its own, whatever it serves: its identity, its control group,
 * its end, and that nothing of it is left.
 */
import { chown, mkdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { type Cgroup, openCgroup, type Usage } from '../sandbox/cgroup.ts'
import { environmentOf, placesInside } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { Ending, EndReason, SandboxProcess } from '../sandbox/process.ts'
import { graceMsOf, type SandboxLimits } from '../sandbox/spec.ts'
import type { Exit } from './control.ts'
import type { Fork, ForkServer } from './fork-server.ts'

export interface ForkOptions {
  readonly host: SandboxHost
  /** Names the folder, the control group's order and the socket; from `newForkId`. */
  readonly id: string
  readonly image: Image
  /** `<root>/<id>` with its `in` made by the caller, who also removes it. */
  readonly folder: string
  readonly limits: SandboxLimits
}

export interface ForkedProcess {
  readonly fork: Fork
  readonly process: SandboxProcess
  readonly cgroup: Cgroup | undefined
  /** Ends it if it has not ended, and drops everything of it, OUTPUT_DIR included. */
  release(): Promise<void>
}

/** Forks and waits until it has said that it is ready. @throws ForkFailed when there is none, and nothing of it is left */
export async function openForkedProcess(server: ForkServer, options: ForkOptions): Promise<ForkedProcess> {
  const { host, id, folder, limits } = options
  await using parts = new AsyncDisposableStack()
  const { uid, release } = host.takeUid()
  parts.defer(release)
  const cgroup = host.cgroup ? await openCgroup(host.cgroup, limits) : undefined
  if (cgroup) parts.defer(() => cgroup.remove())
  // Without mount namespaces these are plain folders of the run's identity.
  if (host.level === 1) await makePlainFolders(folder, uid)
  const fork = await server.fork(id, {
    uid: uid ?? null,
    groups: cgroup?.folders ?? [],
    // With namespaces all runs find the same places, which the fork server knows.
    ...(host.level === 1 ? { env: environmentOf(options.image, placesInside(host, folder), host) } : {}),
    limits: { ...limits, dataBytes: cgroup ? null : limits.memoryBytes },
  })
  parts.defer(() => server.forget(id))
  parts.defer(() => void fork.socket.destroy())
  parts.defer(async () => {
    server.kill(id)
    await fork.gone
  })
  const process = superviseFork(server, fork, limits, cgroup)
  const owned = parts.move()
  return { fork, process, cgroup, release: () => owned.disposeAsync() }
}

async function makePlainFolders(folder: string, uid: number | undefined): Promise<void> {
  for (const name of ['out', 'work']) {
    await mkdir(join(folder, name))
    if (uid !== undefined) await chown(join(folder, name), uid, uid)
  }
}

function superviseFork(
  server: ForkServer,
  fork: Fork,
  limits: SandboxLimits,
  cgroup: Cgroup | undefined,
): SandboxProcess {
  let reason: EndReason | undefined
  let isGone = false
  let killTimer: NodeJS.Timeout | undefined
  const end = (why: EndReason) => {
    if (reason !== undefined || isGone) return
    reason = why
    server.signal(fork.id, constants.signals.SIGINT)
    killTimer = setTimeout(() => server.kill(fork.id), graceMsOf(limits, why))
  }
  const settle = async (): Promise<Ending> => {
    const exit = await fork.gone
    isGone = true
    clearTimeout(killTimer)
    const how = howItEnded(exit)
    const killedByLimit = how.signal === 'SIGKILL' && cgroup !== undefined && (await cgroup.oomKills()) > 0
    const usage = await usageOf(exit, cgroup)
    const byItself = exit === undefined ? 'serverLost' : killedByLimit ? 'outOfMemory' : 'exited'
    return { reason: reason ?? byItself, ...how, stderrTail: '', usage }
  }
  const exited = settle()
  return {
    exited,
    end,
    stderrTail: () => '',
    [Symbol.asyncDispose]: async () => {
      if (!isGone) reason ??= 'lost'
      server.kill(fork.id)
      await exited
    },
  }
}

async function usageOf(exit: Exit | undefined, cgroup: Cgroup | undefined): Promise<Usage> {
  const ofKernel = exit && exit.maxrssBytes > 0 ? { peakMemoryBytes: exit.maxrssBytes } : {}
  const seconds = exit ? { cpuSeconds: exit.utime + exit.stime } : {}
  return { ...ofKernel, ...seconds, ...(await cgroup?.usage()) }
}

/** From wait(2)'s status; a kernel that died with its fork server was killed. */
function howItEnded(exit: Exit | undefined): Pick<Ending, 'exitCode' | 'signal'> {
  const number = exit === undefined ? constants.signals.SIGKILL : exit.status & 0x7f
  if (exit !== undefined && number === 0) return { exitCode: exit.status >> 8, signal: null }
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
  return { exitCode: null, signal: name ?? `signal ${number}` }
}
