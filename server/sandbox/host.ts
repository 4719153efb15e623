/**
 * What a probed machine offers to a sandbox; made by `probeSandbox` and passed to whatever starts processes.
 */
import { unavailable } from '../ground/errors.ts'
import type { CgroupPlace } from './cgroup.ts'

export interface SandboxHost {
  /**
   * 3: namespaces, filter, an identity of its own and a control group. 2: one of the last three is missing. 1: filter,
   * Landlock and resource limits, where namespaces are forbidden; only the fork server's kernels enter it. 0: none.
   */
  readonly level: 3 | 2 | 1 | 0
  /** For people, in /healthz. */
  readonly name: string
  /** What a run is not protected by here, each a sentence for people: in /healthz and in the log of the start. */
  readonly missing: readonly string[]
  /** Why notebooks are refused here, and what to do about it. */
  readonly problem?: string
  readonly bwrap: string
  /** Whether bwrap runs as root: then without a user namespace, and each sandbox as a uid of its own. */
  readonly privileged: boolean
  readonly ownUid: number
  readonly seccomp?: Buffer
  /** The filter of level 1, where no network namespace stands behind it: no sockets at all but ready-made pairs. */
  readonly seccompBare?: Buffer
  readonly cgroup?: CgroupPlace
  /** /bin, /lib and their like: a link on most systems, a folder (target undefined) on older ones. */
  readonly rootLinks: readonly { readonly path: string; readonly target?: string }[]
  /** An identity no other sandbox of this process has at the moment; undefined where there is no choice. */
  takeUid(): { readonly uid: number | undefined; release(): void }
}

/** Throws `unavailable` with the reason when this machine can't run notebooks as configured. */
export function assertUsable(host: SandboxHost): void {
  if (host.problem !== undefined) throw unavailable(`Notebooks can't run on this machine: ${host.problem}`)
}
