/**
 * Watches over a running database server: one that dies under us is started again, on the same folder and the same
 * socket. Whatever was connected has lost its session and connects again by itself.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../../ground/errors.ts'
import { isServer, lookForServer } from './postmaster.ts'
import { type ServerPlan, startServer, waitUntilReadyOrGone } from './server.ts'

export interface Supervision {
  /** The server's process number; the last one while there is no server. */
  readonly pid: number
  /** Stops watching, and calls a restart off; a server that is up stays. */
  stop(): Promise<void>
}

/** Two small reads of /proc each time. A server may have been found, so its death is not always told to us. */
const LOOK_MS = 200
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** Watches the server with this process number from now on. */
export function superviseServer(
  plan: ServerPlan,
  firstPid: number,
  log: (event: string, fields: Record<string, unknown>) => void,
): Supervision {
  const stopped = new AbortController()
  const { signal } = stopped
  let pid = firstPid

  const watch = async () => {
    for (;;) {
      while (await isServer(pid, plan.clusterDir)) await pause(LOOK_MS, undefined, { signal })
      const lost = pid
      log('database server lost', { pid: lost })
      const startedAt = performance.now()
      pid = await startAgain({ ...plan, signal }, log)
      log('database server restarted', { lost, pid, tookMs: Math.round(performance.now() - startedAt) })
    }
  }
  const watching = watch().catch((error: unknown) => {
    // Every wait above ends with this when the watch is stopped.
    if (!signal.aborted) throw error
  })
  return {
    get pid() {
      return pid
    },
    stop: async () => {
      stopped.abort()
      await watching
    },
  }
}

/** Goes on until there is a server: without one the service can do nothing, and the cause (a full disk) may pass. */
async function startAgain(plan: ServerPlan, log: (event: string, fields: Record<string, unknown>) => void) {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await startOrFind(plan)
    } catch (error) {
      plan.signal?.throwIfAborted()
      log('database server not restarted', { error: messageOf(error) })
      await pause(pauseMs, undefined, { signal: plan.signal })
    }
  }
}

/** A start that took too long goes on by itself, so the server may be there by now. */
async function startOrFind(plan: ServerPlan): Promise<number> {
  await waitUntilReadyOrGone(plan)
  const server = await lookForServer(plan.clusterDir)
  return server.kind === 'running' ? server.pid : startServer(plan)
}
