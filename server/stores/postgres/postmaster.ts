/**
 * Reads postmaster.pid, the server's own note of where it runs, and says whether it still holds. It must never take a
 * dead or foreign process for the server: signals go to the number found here.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Postmaster {
  readonly pid: number
  /** Folder of the unix socket; undefined while the server has not got that far. */
  readonly socketDir: string | undefined
  readonly isReady: boolean
}

export type Sighting =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'running' } & Postmaster)
  /** A pid file whose server is gone. `misleading`: its number is taken (a zombie, a stranger), which fools PostgreSQL. */
  | { readonly kind: 'stale'; readonly misleading: boolean }

/** What postmaster.pid in the cluster folder says, checked against the processes that exist. */
export async function lookForServer(clusterDir: string): Promise<Sighting> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => undefined)
  if (text === undefined) return { kind: 'none' }
  // Lines: pid, data folder, start time, port, socket folder, listen address, shared memory, status (since PostgreSQL 10).
  const [pidLine = '', , , , socketDir, , , status] = text.split('\n').map((line) => line.trim())
  const pid = Number(pidLine)
  if (!Number.isInteger(pid) || pid <= 1) return { kind: 'stale', misleading: false }
  if (await isServer(pid, clusterDir)) {
    return { kind: 'running', pid, socketDir: socketDir || undefined, isReady: status === 'ready' }
  }
  return { kind: 'stale', misleading: (await processState(pid)) !== undefined }
}

/** Whether this process number is a living PostgreSQL of this very cluster; a zombie counts as dead. */
export async function isServer(pid: number, clusterDir: string): Promise<boolean> {
  const state = await processState(pid)
  if (state === undefined || state === 'Z' || state === 'X') return false
  // The postmaster keeps its command line as it was started; only its children rewrite theirs.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.split('\0').includes(clusterDir)
}

/** The server and, when it runs in a namespace, the bubblewrap process that waits for it to end. */
export async function serverAndKeeper(pid: number): Promise<number[]> {
  const [, parent] = await processFields(pid)
  return parent === undefined ? [pid] : [pid, Number(parent)]
}

/** The letter the kernel gives: R, S, Z and so on; undefined when there is no such process. */
async function processState(pid: number): Promise<string | undefined> {
  return (await processFields(pid))[0]
}

/** State, parent and so on: what follows the name in "pid (name) state parent …"; a name may hold spaces and brackets. */
async function processFields(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
