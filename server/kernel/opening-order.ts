/** The first order of a fork server: what all its children have in common. */

import { ETC_FROM_HOST } from '../sandbox/bwrap.ts'
import { environmentOf, fontMounts, HOME, placesInside } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import { RUNNER } from './kernel.ts'

/**
 * The order for the runs of an image below `root`. With `serve`, `module:function` of the runner, children serve that
 * instead of a kernel, and nothing that notebooks import is imported for them.
 */
export function openingOrder(image: Image, host: SandboxHost, root: string, serve?: string): Record<string, unknown> {
  const cgroup = host.cgroup
  const places = [cgroup?.memory, cgroup?.pids, cgroup?.cpu, cgroup?.cpuacct, cgroup?.freezer]
  return {
    level: host.level,
    seccomp: host.seccomp?.toString('base64') ?? null,
    seccompBare: host.seccompBare?.toString('base64') ?? null,
    rootLinks: host.rootLinks,
    mounts: [...image.mounts, ...fontMounts(image), { source: RUNNER, target: '/runner' }],
    host: root,
    cgroups: [...new Set(places.filter((place) => place !== undefined))],
    env: environmentOf(image, placesInside(host, root), host),
    home: HOME,
    etc: ETC_FROM_HOST,
    ...(serve === undefined ? {} : { serve }),
  }
}
