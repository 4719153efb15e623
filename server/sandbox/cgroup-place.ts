/**
 * Where groups of runs can be made on this machine: found by making one. Only memory and processes are a must, because
 * without either one run can take the machine; what else is missing is named.
 */

import { readdir, readFile, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CgroupPlace, GROUP_NAME, groupFolders, openCgroup } from './cgroup.ts'
import type { SandboxLimits } from './spec.ts'

/** A young group whose service lives may just be about to be entered. */
const ABANDONED_MS = 60_000

/** The first place where a group with the limits can really be made and removed, or undefined. */
export async function findCgroupPlace(limits: SandboxLimits): Promise<CgroupPlace | undefined> {
  const own = await readFile('/proc/self/cgroup', 'utf8').catch(() => '')
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  const extras = extraPlaces(own, mounts)
  for (const base of cgroupCandidates(own, mounts)) {
    if (!(await works(base, limits))) continue
    const place = base.version === 2 ? await withCpu(base, limits) : await withExtras(base, extras, limits)
    await removeAbandoned(place)
    return place
  }
  return undefined
}

async function works(place: CgroupPlace, limits: SandboxLimits): Promise<boolean> {
  // With a quota, so that a controller that is only listed is not believed.
  const group = await openCgroup(place, { ...limits, cores: limits.cores || 1 }).catch(() => undefined)
  await group?.remove()
  return group !== undefined
}

async function withCpu(base: CgroupPlace, limits: SandboxLimits): Promise<CgroupPlace> {
  const place = { ...base, cpu: base.memory }
  return (await works(place, limits)) ? place : base
}

type Extra = 'cpu' | 'cpuacct' | 'freezer'

/** Version 1 mounts each controller by itself, or some together, so each is looked for by itself. */
async function withExtras(
  base: CgroupPlace,
  extras: Record<Extra, string[]>,
  limits: SandboxLimits,
): Promise<CgroupPlace> {
  let place = base
  for (const name of ['cpu', 'cpuacct', 'freezer'] as const) {
    for (const folder of extras[name]) {
      const tried = { ...place, [name]: folder }
      if (!(await works(tried, limits))) continue
      place = tried
      break
    }
  }
  return place
}

/** Pure: where groups might be made, nearest to our own group first, from the texts of /proc/self/cgroup and /proc/self/mounts. */
export function cgroupCandidates(own: string, mounts: string): CgroupPlace[] {
  const places = placesOf(own, mounts)
  const second = places('', 'cgroup2').map((folder): CgroupPlace => ({ version: 2, memory: folder, pids: folder }))
  const pids = places('pids', 'cgroup')
  const first = places('memory', 'cgroup').flatMap((memory) =>
    pids.map((folder): CgroupPlace => ({ version: 1, memory, pids: folder })),
  )
  return [...first, ...second]
}

function extraPlaces(own: string, mounts: string): Record<Extra, string[]> {
  const places = placesOf(own, mounts)
  return {
    cpu: places('cpu', 'cgroup'),
    cpuacct: places('cpuacct', 'cgroup'),
    freezer: places('freezer', 'cgroup'),
  }
}

function placesOf(own: string, mounts: string): (controller: string, type: 'cgroup' | 'cgroup2') => string[] {
  const points = mounts.split('\n').flatMap((line) => {
    const [, path, type, options] = line.split(' ')
    return path && type?.startsWith('cgroup') ? [{ path, type, options: options?.split(',') ?? [] }] : []
  })
  const groups = own.split('\n').flatMap((line) => {
    const [, controllers, path] = line.match(/^\d+:([^:]*):(.*)$/) ?? []
    return controllers !== undefined && path !== undefined ? [{ controllers: controllers.split(','), path }] : []
  })
  return (controller, type) => {
    const point = points.find((p) => p.type === type && (type === 'cgroup2' || p.options.includes(controller)))
    const path = groups.find((group) => group.controllers.includes(type === 'cgroup2' ? '' : controller))?.path
    // The group our path names may lie outside what is mounted here (a container), hence the mount point itself as well.
    return point ? [...new Set(path === undefined ? [point.path] : [...upwards(point.path, path), point.path])] : []
  }
}

/** A version 2 group that holds processes can't hand controllers to children, so its parents are tried as well. */
function upwards(point: string, path: string): string[] {
  const parts = path.split('/').filter(Boolean)
  return parts.map((_, index) => join(point, ...parts.slice(0, parts.length - index)))
}

/** A killed service leaves its groups behind, empty: their processes die with it. One that holds processes can't be removed. */
export async function removeAbandoned(place: CgroupPlace): Promise<void> {
  for (const parent of groupFolders(place, '.')) {
    for (const name of await readdir(parent).catch(() => [])) {
      const pid = GROUP_NAME.exec(name)?.[1]
      if (pid === undefined) continue
      const folder = join(parent, name)
      const made = await stat(folder).catch(() => undefined)
      const isOld = made !== undefined && Date.now() - made.mtimeMs > ABANDONED_MS
      if (isOld || !isRunning(Number(pid))) await rmdir(folder).catch(() => {})
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
