/** What a service has on this machine at a moment: processes, control groups, mounts, folders and open files. For showing that nothing was left. */

import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface Traces {
  /** Command lines of everything the service started, its database apart, which comes and goes by itself. */
  readonly processes: readonly string[]
  /** Folders of control groups, without what is random in their names: a kernel that waits has some, and takes turns. */
  readonly groups: readonly string[]
  /** Lines of the mount tables of the service and of its processes that have one of their own. */
  readonly mounts: number
  /** Below the working folders. */
  readonly folders: number
  /** Files and folders that the service holds open, sockets and pipes apart. */
  readonly openFiles: number
}

/** Looks once; processes that end meanwhile are not there. */
export async function tracesOf(service: { readonly pid: number; readonly dataDir: string }): Promise<Traces> {
  const all = await readProcesses()
  const below = descendants(all, service.pid).filter(({ command }) => !/postgres/.test(command))
  return {
    processes: below.map(({ command }) => command).sort(),
    groups: await groupsOf(service.pid),
    mounts: await countMounts([service.pid, ...below.map(({ pid }) => pid)]),
    folders: (await readdir(join(service.dataDir, 'work'), { recursive: true }).catch(() => [])).length,
    openFiles: await countOpenFiles(service.pid),
  }
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

async function readProcesses(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = await Promise.all(
    pids.map(async (pid): Promise<Process[]> => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      const [, state, parent] = /\) (\w) (\d+) /.exec(stat) ?? []
      if (parent === undefined || state === 'Z') return [] // a dead one that nobody has looked at yet
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return [{ pid: Number(pid), parent: Number(parent), command: command.replaceAll('\0', ' ').trim() }]
    }),
  )
  return read.flat()
}

function descendants(all: readonly Process[], pid: number): Process[] {
  return all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...descendants(all, child.pid)])
}

/** The groups that bear the service's pid in their name, wherever control groups are mounted. */
async function groupsOf(pid: number): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const points = mounts
    .split('\n')
    .flatMap((line) => (/^\S+ (\S+) cgroup2? /.exec(line)?.[1] ? [line.split(' ')[1]] : []))
  const found = await Promise.all(points.map((point) => foldersNamed(point ?? '', `fieldbook-${pid}-`, 6)))
  return found.flat().sort()
}

async function foldersNamed(folder: string, prefix: string, depth: number): Promise<string[]> {
  if (depth === 0) return []
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    entries.map((entry) => {
      if (!entry.isDirectory()) return []
      const path = join(folder, entry.name)
      return entry.name.startsWith(prefix) ? [join(folder, prefix)] : foldersNamed(path, prefix, depth - 1)
    }),
  )
  return found.flat()
}

async function countMounts(pids: readonly number[]): Promise<number> {
  const tables = new Map<string, number>()
  for (const pid of pids) {
    const namespace = await readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined)
    if (namespace === undefined || tables.has(namespace)) continue
    const table = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')
    tables.set(namespace, table.trimEnd().split('\n').length)
  }
  return [...tables.values()].reduce((sum, lines) => sum + lines, 0)
}

async function countOpenFiles(pid: number): Promise<number> {
  const names = await readdir(`/proc/${pid}/fd`)
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
  return targets.filter((target) => target.startsWith('/')).length
}
