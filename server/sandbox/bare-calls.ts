/**
 * System calls that are harmless inside namespaces and reach the machine without them (level 1): what they make outlives
 * the run, or they change processes and files that belong to the same user id. Landlock has no rule for any of them.
 */
import type { Architecture } from './syscalls.ts'

interface BareCalls {
  /** shmget, semget, msgget, mq_open; sched_setparam, _setscheduler, _setaffinity, _setattr, setpriority, ioprio_set. */
  readonly refused: readonly number[]
  /** Changes the limits of whichever process its first argument names; 0 is the caller. */
  readonly prlimit: number
  /**
   * chmod, fchmod, fchmodat, fchmodat2; setxattr, lsetxattr, fsetxattr, setxattrat, their three and one of removal, and
   * file_setattr, because an access list is an attribute; utime, utimes, futimesat, utimensat. Also with an open file: one
   * that may only be read, such as the image, would be closed to everybody by its owner.
   */
  readonly labels: readonly number[]
}

export const BARE_CALLS: Record<Architecture, BareCalls> = {
  x64: {
    refused: [29, 64, 68, 240, 142, 144, 203, 314, 141, 251],
    prlimit: 302,
    labels: [90, 91, 268, 452, 188, 189, 190, 463, 197, 198, 199, 466, 469, 132, 235, 261, 280],
  },
  arm64: {
    refused: [194, 190, 186, 180, 118, 119, 122, 274, 140, 30],
    prlimit: 261,
    labels: [52, 53, 452, 5, 6, 7, 463, 14, 15, 16, 466, 469, 88],
  },
}
