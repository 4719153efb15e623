/**
 * A kernel that a fork server has forked into a sandbox of its own. It may wait as a spare before it is given a run; then
 * its control group gets that run's limits. Used once, like any kernel.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../ground/errors.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { ForkFailed, type ForkServer } from './fork-server.ts'
import { type ForkOptions, openForkedProcess } from './forked-process.ts'
import { openFramedSession } from './framed-session.ts'
import type { Kernel } from './kernel.ts'
import { SESSION_LIMITS, type SessionLimits } from './session.ts'

export interface ForkedKernel extends Kernel {
  readonly limits: SandboxLimits
  /** Gives a waiting kernel the limits of its run; only those of its control group can differ from what it was forked with. */
  assign(limits: SandboxLimits): Promise<void>
}

export interface KernelForkOptions extends ForkOptions {
  readonly sessionLimits?: SessionLimits
}

/** Forks and waits until it can take a first cell. @throws ForkFailed when there is none, and nothing of it is left */
export async function openForkedKernel(server: ForkServer, options: KernelForkOptions): Promise<ForkedKernel> {
  try {
    return await forkKernel(server, options)
  } catch (error) {
    // Whatever it was (no group to be made, a fork server that ended in between), a cold start is the way out.
    throw error instanceof ForkFailed ? error : new ForkFailed(messageOf(error))
  }
}

async function forkKernel(server: ForkServer, options: KernelForkOptions): Promise<ForkedKernel> {
  const { limits } = options
  await using parts = new AsyncDisposableStack()
  const forked = await openForkedProcess(server, options)
  parts.defer(() => forked.release())
  const { fork, process, cgroup } = forked
  const outputs = await openOutputs(server, options)
  parts.defer(() => outputs.close())
  const session = openFramedSession({
    socket: fork.socket,
    info: fork.ready,
    limits: options.sessionLimits ?? SESSION_LIMITS,
  })
  const owned = parts.move()
  return {
    session,
    process,
    info: fork.ready.content,
    outputs: `/proc/self/fd/${outputs.fd}`,
    limits,
    assign: async (next) => cgroup?.update(next),
    finish: async (limitMs) => {
      session.shutdown()
      await Promise.race([process.exited, wait(limitMs, undefined, { ref: false })])
    },
    [Symbol.asyncDispose]: async () => {
      await process[Symbol.asyncDispose]()
      await session[Symbol.asyncDispose]()
    },
    release: () => owned.disposeAsync(),
  }
}

/**
 * OUTPUT_DIR is a file system in memory that only exists in the fork server's mount namespace. An open handle keeps it
 * when the sandbox, and even the fork server, is gone; nobody has to mount anything to read it.
 */
function openOutputs(server: ForkServer, { host, folder, id }: ForkOptions): Promise<FileHandle> {
  return open(host.level === 1 ? join(folder, 'out') : `/proc/${server.up.rootPid}/root/.out/${id}`)
}
