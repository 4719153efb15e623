/**
 * What this machine allows: which kind of sandbox really starts here, found by starting one.
 * Says only what was seen; a machine that can't is reported with the reason, never worked around in silence.
 */
import { lstat, readlink } from 'node:fs/promises'
import { unavailable } from '../ground/errors.ts'
import type { CgroupPlace } from './cgroup.ts'
import { findCgroupPlace } from './cgroup-place.ts'
import type { SandboxHost } from './host.ts'
import type { Image } from './image.ts'
import { landlockProblem } from './landlock.ts'
import { openSandbox } from './process.ts'
import { seccompProgram } from './seccomp.ts'
import { DEFAULT_LIMITS, type SandboxLimits, type SandboxSpec } from './spec.ts'

/** Debian leaves 60000–64999 to whoever needs them, systemd's dynamic users begin at 61184. */
const FIRST_UID = 60_000
const UIDS = 1000

export interface ProbeOptions {
  readonly bwrap: string
  /** `off` is the operator's explicit wish to run notebooks bare, `landlock` to do without namespaces. */
  readonly mode: 'on' | 'landlock' | 'off'
  readonly limits?: SandboxLimits
  /** Whose Python is asked for Landlock where namespaces are forbidden. */
  readonly image?: () => Promise<Image>
}

/** Probes once. */
export async function probeSandbox(options: ProbeOptions): Promise<SandboxHost> {
  const bare = emptyHost(options.bwrap)
  if (options.mode === 'off') {
    return {
      ...bare,
      name: 'none: notebooks run as the service itself',
      missing: ['everything: FIELDBOOK_SANDBOX=off'],
    }
  }
  const limits = options.limits ?? DEFAULT_LIMITS
  const architecture = process.arch === 'x64' || process.arch === 'arm64' ? process.arch : undefined
  const cgroup = await findCgroupPlace(limits)
  const host: SandboxHost = {
    ...bare,
    level: 2,
    rootLinks: await findRootLinks(),
    ...(architecture ? { seccomp: seccompProgram(architecture) } : {}),
    ...(architecture
      ? { seccompBare: seccompProgram(architecture, bare.privileged ? 'own user id' : 'shared user id') }
      : {}),
    ...(cgroup ? { cgroup } : {}),
  }
  const problem =
    options.mode === 'landlock' ? 'FIELDBOOK_SANDBOX=landlock asks for none' : await startsTrue(host, limits)
  if (problem !== undefined) return withoutNamespaces(host, problem, options)
  const complete = host.privileged && host.seccomp !== undefined && host.cgroup !== undefined
  return { ...host, level: complete ? 3 : 2, name: nameOf(host), missing: missingOf(host) }
}

/** Level 1 where Landlock can stand in for namespaces, else nothing. */
async function withoutNamespaces(host: SandboxHost, problem: string, options: ProbeOptions): Promise<SandboxHost> {
  const lacks = host.seccompBare ? await landlockProblem(options.image, host.privileged) : 'no system call filter'
  if (lacks === undefined) {
    const name = ['seccomp', 'Landlock', ...(host.privileged ? ['own uid'] : []), limitsOf(host)].join(' + ')
    return {
      ...host,
      level: 1,
      name,
      missing: [`no namespaces (${problem})`, ...WITHOUT_NAMESPACES, ...missingOf(host)],
    }
  }
  const { cgroup: _, seccomp: __, seccompBare: ___, ...rest } = host
  const both = `${problem}. Landlock can't stand in for it: ${lacks}`
  return { ...rest, level: 0, name: 'none: notebooks are refused', missing: ['everything'], problem: both }
}

const WITHOUT_NAMESPACES = [
  'no size limit on OUTPUT_DIR and temporary folders: they are folders on the disk of the service',
  'no result.pdf: a browser needs namespaces',
]

/** Pure: what a run is not protected by, or bounded in, on a host that can start it. */
export function missingOf({
  privileged,
  seccomp,
  cgroup,
}: Pick<SandboxHost, 'privileged' | 'seccomp' | 'cgroup'>): string[] {
  return [
    ...(seccomp ? [] : ['no system call filter: there is none for this processor']),
    ...(privileged ? [] : ['no user id for each run: all have that of the service, because it is not root']),
    ...(cgroup ? missingControllers(cgroup) : [WITHOUT_CGROUP]),
  ]
}

const WITHOUT_CGROUP =
  'no control group: memory is limited for each process and not for a run as a whole, files in memory count for nobody, and neither cores nor peak memory are known'

function missingControllers({ version, cpu, cpuacct }: CgroupPlace): string[] {
  return [
    ...(cpu ? [] : ['no cpu controller: the limit of cores is not enforced, and a busy run slows its neighbours down']),
    ...(version === 2 || cpuacct ? [] : ['no cpuacct controller: CPU seconds are not measured']),
  ]
}

function emptyHost(bwrap: string): SandboxHost {
  const ownUid = process.getuid?.() ?? 0
  return {
    level: 0,
    name: '',
    missing: [],
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
    limitsOf(host),
  ].join(' + ')
}

const limitsOf = ({ cgroup }: SandboxHost) => (cgroup ? `cgroup v${cgroup.version}` : 'rlimits')
