/**
 * Starts and stops the PostgreSQL server process. The server is in a session of its own, so neither Ctrl-C nor the death
 * of this process reaches it; it ends when we stop it, or is found again by the next start.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../ground/errors.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { commandFor } from './command.ts'
import { isServer, lookForServer, serverAndKeeper } from './postmaster.ts'
import { waitFor } from './wait.ts'

export interface ServerPlan {
  readonly clusterDir: string
  readonly socketDir: string
  readonly logFile: string
  readonly binaries: Binaries
  readonly account: Account | undefined
  readonly bwrap: string | undefined
  readonly settings: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
}

/** A crash leaves at most max_wal_size (1 GB) to replay: seconds on an ordinary disk. */
const START_LIMIT_MS = 60_000
/**
 * A fast stop writes out at most shared_buffers. PostgreSQL 18 never ends one that comes while it recovers from the crash
 * of a session and clients go on knocking; what follows then, an immediate stop, costs the next start a replay.
 */
const FAST_STOP_LIMIT_MS = 8_000
const HARD_STOP_LIMIT_MS = 15_000
const LARGEST_LOG_BYTES = 10_000_000

/** What flock answers when another server process still holds the cluster folder; PostgreSQL itself exits with 0 to 3. */
const FOLDER_IS_HELD = 75

/** Small memory, no network, full durability; synchronous_commit and fsync stay as PostgreSQL has them, on. */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  port: '5432',
  shared_buffers: '64MB',
  max_connections: '100',
  log_checkpoints: 'off',
  // A refused duplicate is an answer to a caller; its details would put tenants' values into the log.
  log_error_verbosity: 'terse',
}

/** Starts the server and returns its process number once it takes connections, crash recovery included. */
export async function startServer(plan: ServerPlan): Promise<number> {
  let child = await launch(plan)
  const ready = async () => {
    const server = await lookForServer(plan.clusterDir)
    if (server.kind === 'running') return server.isReady ? server.pid : undefined
    if (child.exit === undefined) return undefined
    // The backends of a postmaster that was killed notice it within moments; until then they hold the folder.
    if (child.exit !== FOLDER_IS_HELD) throw await startFailure(plan, `it ended with ${child.exit}`)
    child = await launch(plan)
    return undefined
  }
  const late = async () => {
    const held = child.exit === FOLDER_IS_HELD
    const why = held ? 'another server (in another container?) holds its folder' : 'it is still not ready'
    return (await startFailure(plan, `${why} after ${START_LIMIT_MS / 1000} s`)).message
  }
  try {
    return await waitFor(ready, { limitMs: START_LIMIT_MS, signal: plan.signal, late })
  } catch (error) {
    // A start that takes too long goes on, for the next attempt to find; one that nobody wants any more does not.
    if (plan.signal?.aborted) await callOff(plan, () => child.exit !== undefined)
    throw error
  }
}

/** The process shows up in postmaster.pid a moment after its launch; only then can it be told to stop. */
async function callOff({ clusterDir }: ServerPlan, hasEnded: () => boolean): Promise<void> {
  const begun = async () => {
    const server = await lookForServer(clusterDir)
    return server.kind === 'running' || hasEnded() ? server : undefined
  }
  const late = () => `The database server of ${clusterDir} was started and has not shown up since.`
  const server = await waitFor(begun, { limitMs: FAST_STOP_LIMIT_MS, late })
  if (server.kind === 'running') await stopServer(server.pid, clusterDir)
}

/** Waits for a server that is already running, perhaps still in recovery or shutting down; false once there is none. */
export function waitUntilReadyOrGone(plan: Pick<ServerPlan, 'clusterDir' | 'logFile' | 'signal'>): Promise<boolean> {
  return waitFor(
    async () => {
      const server = await lookForServer(plan.clusterDir)
      if (server.kind !== 'running') return false
      return server.isReady ? true : undefined
    },
    {
      limitMs: START_LIMIT_MS,
      signal: plan.signal,
      late: async () => (await startFailure(plan, `it is still not ready after ${START_LIMIT_MS / 1000} s`)).message,
    },
  )
}

/** Fast shutdown: open transactions are rolled back, everything committed is on disk. A server that is gone is fine. */
export async function stopServer(pid: number, clusterDir: string): Promise<void> {
  const family = await serverAndKeeper(pid)
  const gone = async () => {
    const alive = await Promise.all(family.map((member) => isServer(member, clusterDir)))
    return alive.includes(true) ? undefined : true
  }
  if (await gone()) return
  process.kill(pid, 'SIGINT')
  try {
    await waitFor(gone, { limitMs: FAST_STOP_LIMIT_MS, late: () => 'slow' })
  } catch {
    // Immediate shutdown: the next start replays the log, nothing committed is lost.
    if (await gone()) return
    process.kill(pid, 'SIGQUIT')
    const late = () => `The database server (process ${pid}) does not stop; look at the log in ${clusterDir}.`
    await waitFor(gone, { limitMs: HARD_STOP_LIMIT_MS, late })
  }
}

/**
 * The command runs under an exclusive lock on the cluster folder, inherited by every process of the server. PostgreSQL's
 * own check compares process numbers, which means nothing between two containers that share a volume.
 */
async function launch(plan: ServerPlan): Promise<{ exit: number | string | undefined }> {
  const { clusterDir, socketDir, binaries, account, bwrap } = plan
  const settings = { ...SETTINGS, unix_socket_directories: `"${socketDir}"`, ...plan.settings }
  const lock = ['--no-fork', '--exclusive', '--nonblock', `--conflict-exit-code=${FOLDER_IS_HELD}`, clusterDir]
  const server = [
    binaries.postgres,
    '-D',
    clusterDir,
    ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
  ]
  const clean = ['/bin/sh', '-c', 'until test "$1" = --; do rm -f "$1"; shift; done; shift; exec "$@"', 'sh']
  const files = await misleadingFiles(plan)
  const place = { account, bwrap, programs: binaries.root, writable: [clusterDir, socketDir] }
  const command = await commandFor('flock', [...lock, ...clean, ...files, '--', ...server], place)
  const log = await openLog(plan.logFile)
  try {
    const stdio = ['ignore' as const, log.fd, log.fd]
    return watch(spawn(command.file, command.args, { ...command.options, detached: true, stdio }))
  } finally {
    await log.close()
  }
}

function watch(child: ChildProcess): { exit: number | string | undefined } {
  const state: { exit: number | string | undefined } = { exit: undefined }
  child.once('error', (error) => {
    state.exit = messageOf(error)
  })
  child.once('exit', (code, signal) => {
    state.exit ??= code ?? signal ?? 'no exit code'
  })
  child.unref()
  return state
}

/**
 * A zombie or a stranger under the noted number makes PostgreSQL refuse to start; a number that is free it clears itself.
 * They are removed under the lock only: a server whose postmaster.pid disappears stops within a minute, and the one of
 * another container looks stale from here.
 */
async function misleadingFiles({ clusterDir, socketDir }: ServerPlan): Promise<string[]> {
  const server = await lookForServer(clusterDir)
  if (server.kind === 'running') return []
  const pidFile = server.kind === 'stale' && server.misleading ? [join(clusterDir, 'postmaster.pid')] : []
  return [...pidFile, join(socketDir, '.s.PGSQL.5432'), join(socketDir, '.s.PGSQL.5432.lock')]
}

/** Opened by us and handed down, so the account needs no right to it. One older file is kept. */
async function openLog(logFile: string) {
  const sizeBytes = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  )
  if (sizeBytes > LARGEST_LOG_BYTES) await rename(logFile, `${logFile}.1`)
  return open(logFile, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
}

async function startFailure(plan: Pick<ServerPlan, 'clusterDir' | 'logFile'>, why: string): Promise<Error> {
  const text = await readFile(plan.logFile, 'utf8').catch(() => '')
  const tail = text.trim().split('\n').slice(-8).join('\n')
  return new Error(
    `The database server of ${plan.clusterDir} did not start: ${why}. The end of ${plan.logFile}:\n${tail}`,
  )
}
