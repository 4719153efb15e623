/**
 * One control group of a run, version 1 or 2: made with its limits, rewritten when a waiting kernel is given a run, read
 * for what the run has used, emptied and removed at its end. Where groups can be made is found by `cgroup-place.ts`.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { SandboxLimits } from './spec.ts'

/** Folders below which a group per run is made: one on version 2, one per controller on version 1. */
export interface CgroupPlace {
  readonly version: 1 | 2
  readonly memory: string
  readonly pids: string
  /** Shares of the processor, and `cores`; without it a run may slow its neighbours down. */
  readonly cpu?: string
  /** Version 1 only: seconds of processor time, and stopping all processes at once. Version 2 has both everywhere. */
  readonly cpuacct?: string
  readonly freezer?: string
}

/** What a run has taken, as far as the machine tells. */
export interface Usage {
  readonly peakMemoryBytes?: number
  readonly cpuSeconds?: number
}

export interface Cgroup {
  /** The folders of this group, one or one per controller. */
  readonly folders: readonly string[]
  /** A process that writes `0` into each of these is in the group, with all that it starts. */
  readonly procs: readonly string[]
  /** Gives the group other limits; throws when one of memory, processes and cores can't be set. */
  update(limits: SandboxLimits): Promise<void>
  /** How many processes the memory limit has killed. */
  oomKills(): Promise<number>
  usage(): Promise<Usage>
  /** SIGKILL to all processes in it, also those started meanwhile: the net below the pid namespace. */
  kill(): Promise<void>
  /** Kills what is left and removes the folders. */
  remove(): Promise<void>
}

/** How the folders of groups are called: the service that made it, then something random. */
export const GROUP_NAME = /^fieldbook-(\d+)-[0-9a-f]+$/

/** Makes a group with the limits set; throws when one of memory, processes and cores can't be set. */
export async function openCgroup(place: CgroupPlace, limits: SandboxLimits): Promise<Cgroup> {
  const name = `fieldbook-${process.pid}-${randomBytes(6).toString('hex')}`
  const folders = groupFolders(place, name)
  try {
    for (const folder of folders) await mkdir(folder)
    await applySettings(cgroupSettings(place, name, limits))
  } catch (error) {
    await removeFolders(folders, async () => {})
    throw error
  }
  const memory = join(place.memory, name)
  const kill = () => killGroup(place, name)
  return {
    folders,
    procs: folders.map((folder) => join(folder, 'cgroup.procs')),
    update: (next) => applySettings(cgroupSettings(place, name, next)),
    oomKills: async () => {
      const text = await readText(join(memory, place.version === 2 ? 'memory.events' : 'memory.oom_control'))
      return Number(text.match(/^oom_kill (\d+)$/m)?.[1] ?? 0)
    },
    usage: () => readUsage(place, name),
    kill,
    remove: () => removeFolders(folders, kill),
  }
}

/** Pure: the folders of one group. */
export function groupFolders(place: CgroupPlace, name: string): string[] {
  const parents = [place.memory, place.pids, place.cpu, place.cpuacct, place.freezer]
  return [...new Set(parents.flatMap((parent) => (parent === undefined ? [] : [join(parent, name)])))]
}

export interface Setting {
  readonly file: string
  readonly value: string
  /** A kernel without swap accounting has no such file; the memory limit holds all the same. */
  readonly optional?: boolean
}

/** The kernel's own unit; a run may use its whole share of it at once. */
const CPU_PERIOD_US = 100_000

/** Pure: which files get which limit, in this order. Swap is not a way around the memory limit. */
export function cgroupSettings(place: CgroupPlace, name: string, limits: SandboxLimits): Setting[] {
  const memory = String(limits.memoryBytes)
  const pids = { file: join(place.pids, name, 'pids.max'), value: String(limits.processes) }
  const quota = limits.cores > 0 ? String(Math.max(1000, Math.round(limits.cores * CPU_PERIOD_US))) : undefined
  const inMemory = (file: string, value: string, optional?: true) => ({
    file: join(place.memory, name, file),
    value,
    ...(optional ? { optional } : {}),
  })
  const inCpu = (file: string, value: string) =>
    place.cpu === undefined ? [] : [{ file: join(place.cpu, name, file), value }]
  return place.version === 2
    ? [
        inMemory('memory.max', memory),
        inMemory('memory.swap.max', '0', true),
        pids,
        ...inCpu('cpu.max', `${quota ?? 'max'} ${CPU_PERIOD_US}`),
      ]
    : [
        // memory ≤ memory + swap holds at any moment, so a group that grows can only take the first value second.
        inMemory('memory.limit_in_bytes', memory, true),
        inMemory('memory.memsw.limit_in_bytes', memory, true),
        inMemory('memory.limit_in_bytes', memory),
        pids,
        ...inCpu('cpu.cfs_quota_us', quota ?? '-1'),
      ]
}

async function applySettings(settings: readonly Setting[]): Promise<void> {
  for (const { file, value, optional } of settings) {
    await writeFile(file, value).catch((error: unknown) => {
      if (!optional) throw error
    })
  }
}

async function readUsage(place: CgroupPlace, name: string): Promise<Usage> {
  const memory = join(place.memory, name)
  const peak = await readNumber(join(memory, place.version === 2 ? 'memory.peak' : 'memory.max_usage_in_bytes'))
  const seconds = await readCpuSeconds(place, name)
  return {
    ...(peak === undefined ? {} : { peakMemoryBytes: peak }),
    ...(seconds === undefined ? {} : { cpuSeconds: seconds }),
  }
}

async function readCpuSeconds(place: CgroupPlace, name: string): Promise<number | undefined> {
  if (place.version === 2) {
    // Every group has it, with or without the controller.
    const text = await readText(join(place.memory, name, 'cpu.stat'))
    const microseconds = text.match(/^usage_usec (\d+)$/m)?.[1]
    return microseconds === undefined ? undefined : Number(microseconds) / 1e6
  }
  if (place.cpuacct === undefined) return undefined
  const nanoseconds = await readNumber(join(place.cpuacct, name, 'cpuacct.usage'))
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9
}

const readText = (file: string) => readFile(file, 'utf8').catch(() => '')

async function readNumber(file: string): Promise<number | undefined> {
  const text = (await readText(file)).trim()
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** A fork bomb outruns a list of its processes; stopped, or by one order to the kernel, it can't. */
async function killGroup(place: CgroupPlace, name: string): Promise<void> {
  if (place.version === 2) {
    const done = await writeFile(join(place.memory, name, 'cgroup.kill'), '1').then(
      () => true,
      () => false, // before Linux 5.14
    )
    if (done) return
  }
  const state = place.freezer === undefined ? undefined : join(place.freezer, name, 'freezer.state')
  const set = (value: string) => (state === undefined ? Promise.resolve() : writeFile(state, value).catch(() => {}))
  for (let round = 0; round < 10; round++) {
    await set('FROZEN')
    const pids = (await readText(join(place.pids, name, 'cgroup.procs'))).split('\n').filter(Boolean)
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {
        // ESRCH: it was faster
      }
    }
    await set('THAWED') // a frozen process does not even die
    if (pids.length === 0) return
    await wait(10)
  }
}

/** Longer than the kernel takes for a bomb of 256 processes; what is there then was not killed with its namespace. */
const EMPTY_BY_ITSELF_MS = 250

/** A group can't be removed for some milliseconds after its last process was reaped; after a bomb, for a second or more. */
async function removeFolders(folders: readonly string[], kill: () => Promise<void>): Promise<void> {
  let killed = false
  for (const folder of folders) {
    for (let pause = 1; pause < 4000; pause *= 2) {
      const left = await rmdir(folder).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'EBUSY',
      )
      if (!left) break
      if (pause > EMPTY_BY_ITSELF_MS && !killed) {
        killed = true
        await kill()
      }
      await wait(pause)
    }
  }
}
