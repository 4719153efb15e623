/**
 * Memory and process limits by control groups, version 1 or 2, where this process may make groups below its own.
 * Only the two controllers that stop one run from taking the machine; without them resource limits have to do.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { SandboxLimits } from './spec.ts'

/** Folders below which a group per run is made: one on version 2, one per controller on version 1. */
export interface CgroupPlace {
  readonly version: 1 | 2
  readonly memory: string
  readonly pids: string
}

export interface Cgroup {
  /** A process that writes `0` into each of these is in the group, with all that it starts. */
  readonly procs: readonly string[]
  /** How many processes the memory limit has killed. */
  oomKills(): Promise<number>
  remove(): Promise<void>
}

interface Setting {
  readonly file: string
  readonly value: string
  /** A kernel without swap accounting has no such file; the memory limit holds all the same. */
  readonly optional?: boolean
}

const PREFIX = 'fieldbook-'
const ABANDONED_MS = 60_000

/** The first place where a group with both limits can really be made and removed, or undefined. */
export async function findCgroupPlace(limits: SandboxLimits): Promise<CgroupPlace | undefined> {
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '')
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  for (const place of cgroupCandidates(own, mounts)) {
    const group = await openCgroup(place, limits).catch(() => undefined)
    await group?.remove()
    if (!group) continue
    await removeAbandoned(place)
    return place
  }
  return undefined
}

/** Pure: where groups might be made, nearest to our own group first, from the texts of /proc/self/cgroup and /proc/self/mounts. */
export function cgroupCandidates(own: string, mounts: string): CgroupPlace[] {
  const points = mounts.split('\n').flatMap((line) => {
    const [, path, type, options] = line.split(' ')
    return path && type?.startsWith('cgroup') ? [{ path, type, options: options?.split(',') ?? [] }] : []
  })
  const groups = own.split('\n').flatMap((line) => {
    const [, controllers, path] = line.match(/^\d+:([^:]*):(.*)$/) ?? []
    return controllers !== undefined && path !== undefined ? [{ controllers: controllers.split(','), path }] : []
  })
  const places = (controller: string, type: string) => {
    const point = points.find((p) => p.type === type && (type === 'cgroup2' || p.options.includes(controller)))
    const path = groups.find((group) => group.controllers.includes(type === 'cgroup2' ? '' : controller))?.path
    // The group our path names may lie outside what is mounted here (a container), hence the mount point itself as well.
    return point ? [...new Set(path === undefined ? [point.path] : [...upwards(point.path, path), point.path])] : []
  }
  const second = places('', 'cgroup2').map((folder): CgroupPlace => ({ version: 2, memory: folder, pids: folder }))
  const pids = places('pids', 'cgroup')
  const first = places('memory', 'cgroup').flatMap((memory) =>
    pids.map((folder): CgroupPlace => ({ version: 1, memory, pids: folder })),
  )
  return [...first, ...second]
}

/** A version 2 group that holds processes can't hand controllers to children, so its parents are tried as well. */
function upwards(point: string, path: string): string[] {
  const parts = path.split('/').filter(Boolean)
  return parts.map((_, index) => join(point, ...parts.slice(0, parts.length - index)))
}

/** Makes a group with the limits set; throws when one of them can't be set. */
export async function openCgroup(place: CgroupPlace, limits: SandboxLimits): Promise<Cgroup> {
  const name = `${PREFIX}${randomBytes(6).toString('hex')}`
  const folders = [...new Set([join(place.memory, name), join(place.pids, name)])]
  try {
    for (const folder of folders) await mkdir(folder)
    for (const { file, value, optional } of cgroupSettings(place, name, limits)) {
      await writeFile(file, value).catch((error: unknown) => {
        if (!optional) throw error
      })
    }
  } catch (error) {
    await removeFolders(folders)
    throw error
  }
  const events = join(place.memory, name, place.version === 2 ? 'memory.events' : 'memory.oom_control')
  return {
    procs: folders.map((folder) => join(folder, 'cgroup.procs')),
    oomKills: async () => {
      const text = await readFile(events, 'utf8').catch(() => '')
      return Number(text.match(/^oom_kill (\d+)$/m)?.[1] ?? 0)
    },
    remove: () => removeFolders(folders),
  }
}

/** Pure: which files get which limit. Swap is not a way around the memory limit. */
export function cgroupSettings(place: CgroupPlace, name: string, limits: SandboxLimits): Setting[] {
  const memory = String(limits.memoryBytes)
  const pids = { file: join(place.pids, name, 'pids.max'), value: String(limits.processes) }
  const at = (file: string) => join(place.memory, name, file)
  return place.version === 2
    ? [{ file: at('memory.max'), value: memory }, { file: at('memory.swap.max'), value: '0', optional: true }, pids]
    : [
        { file: at('memory.limit_in_bytes'), value: memory },
        { file: at('memory.memsw.limit_in_bytes'), value: memory, optional: true },
        pids,
      ]
}

/**
 * A killed service leaves its groups behind, empty: their processes die with it. One that holds processes can't be removed,
 * and a young one may be another service's that is just being entered.
 */
async function removeAbandoned(place: CgroupPlace): Promise<void> {
  for (const folder of new Set([place.memory, place.pids])) {
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      if (!name.startsWith(PREFIX)) continue
      const made = await stat(path).catch(() => undefined)
      if (made && Date.now() - made.mtimeMs > ABANDONED_MS) await rmdir(path).catch(() => {})
    }
  }
}

/** A group can't be removed for some milliseconds after its last process was reaped; after a bomb, for a second or more. */
async function removeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (let pause = 1; pause < 4000; pause *= 2) {
      const left = await rmdir(folder).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'EBUSY',
      )
      if (!left) break
      await wait(pause)
    }
  }
}
