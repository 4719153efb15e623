/**
 * What this machine allows: which kind of sandbox really starts here, found by starting one.
 * Says only what was seen; a machine that can't is reported with the reason, never worked around in silence.
 */
import { lstat, readlink } from 'node:fs/promises'
import { unavailable } from '../ground/errors.ts'
import { findCgroupPlace } from './cgroup.ts'
import type { SandboxHost } from './host.ts'
import { openSandbox } from './process.ts'
import { seccompProgram } from './seccomp.ts'
import { DEFAULT_LIMITS, type SandboxLimits, type SandboxSpec } from './spec.ts'

/** Debian leaves 60000–64999 to whoever needs them, systemd's dynamic users begin at 61184. */
const FIRST_UID = 60_000
const UIDS = 1000

/** Probes once; `off` is the operator's explicit wish to run notebooks bare. */
export async function probeSandbox(options: {
  readonly bwrap: string
  readonly mode: 'on' | 'off'
  readonly limits?: SandboxLimits
}): Promise<SandboxHost> {
  const bare: SandboxHost = { ...emptyHost(options.bwrap), name: 'none: notebooks run as the service itself' }
  if (options.mode === 'off') return bare
  const limits = options.limits ?? DEFAULT_LIMITS
  const architecture = process.arch === 'x64' || process.arch === 'arm64' ? process.arch : undefined
  const cgroup = await findCgroupPlace(limits)
  const host: SandboxHost = {
    ...bare,
    level: 2,
    rootLinks: await findRootLinks(),
    ...(architecture ? { seccomp: seccompProgram(architecture) } : {}),
    ...(cgroup ? { cgroup } : {}),
  }
  const problem = await startsTrue(host, limits)
  if (problem !== undefined) return { ...bare, name: 'none: notebooks are refused', problem }
  const complete = host.privileged && host.seccomp !== undefined && host.cgroup !== undefined
  return { ...host, level: complete ? 3 : 2, name: nameOf(host) }
}

function emptyHost(bwrap: string): SandboxHost {
  const ownUid = process.getuid?.() ?? 0
  return {
    level: 0,
    name: '',
    bwrap,
    privileged: ownUid === 0,
    ownUid,
    rootLinks: [],
    takeUid: ownUid === 0 ? uidAllocator() : () => ({ uid: undefined, release: () => {} }),
  }
}

/** Starts at a random place, so that two services on one machine hardly ever share an identity. */
function uidAllocator(): SandboxHost['takeUid'] {
  const taken = new Set<number>()
  let next = Math.floor(Math.random() * UIDS)
  return () => {
    if (taken.size === UIDS) throw unavailable(`All ${UIDS} identities for sandboxes are in use`)
    do next = (next + 1) % UIDS
    while (taken.has(next))
    const slot = next
    taken.add(slot)
    return { uid: FIRST_UID + slot, release: () => void taken.delete(slot) }
  }
}

async function findRootLinks(): Promise<SandboxHost['rootLinks']> {
  const paths = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
  const found = await Promise.all(
    paths.map(async (path) => {
      const entry = await lstat(path).catch(() => undefined)
      if (!entry) return []
      return entry.isSymbolicLink() ? [{ path, target: await readlink(path) }] : [{ path }]
    }),
  )
  return found.flat()
}

/** Undefined when /bin/true ran to its end inside; else why not. */
async function startsTrue(host: SandboxHost, limits: SandboxLimits): Promise<string | undefined> {
  const { uid, release } = host.takeUid()
  const spec: SandboxSpec = {
    command: ['/bin/true'],
    cwd: '/tmp',
    env: { PATH: '/usr/bin:/bin' },
    mounts: [],
    limits,
    ...(uid === undefined ? {} : { uid }),
  }
  try {
    await using sandbox = await openSandbox(spec, host, { signal: AbortSignal.timeout(10_000) })
    const ending = await sandbox.exited
    if (ending.reason === 'exited' && ending.exitCode === 0) return undefined
    return advise(ending.stderrTail.trim() || `${host.bwrap} ended with ${ending.signal ?? ending.exitCode}`, host)
  } catch (error) {
    return `${host.bwrap} could not be started (${error instanceof Error ? error.message : error}); run npm run setup`
  } finally {
    release()
  }
}

function advise(said: string, host: SandboxHost): string {
  const remedy = host.privileged
    ? 'a container needs the right to make namespaces (CAP_SYS_ADMIN)'
    : 'allow user namespaces (kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces > 0)'
  return `bubblewrap says "${said}"; ${remedy}, or set FIELDBOOK_SANDBOX=off to run notebooks without any protection`
}

function nameOf(host: SandboxHost): string {
  return [
    host.privileged ? 'namespaces' : 'user namespaces',
    ...(host.seccomp ? ['seccomp'] : []),
    ...(host.privileged ? ['own uid'] : []),
    host.cgroup ? `cgroup v${host.cgroup.version}` : 'rlimits',
  ].join(' + ')
}
