/**
 * What a process in a sandbox is given: its command, what it sees of the file system, its variables and its limits.
 * Types and defaults only; how they are enforced is said in `bwrap.ts` and `cgroup.ts`.
 */

export interface Mount {
  readonly source: string
  readonly target: string
  /** Read-only unless said otherwise. */
  readonly writable?: boolean
}

export interface SandboxLimits {
  /** Of all processes together, temporary files in memory included. */
  readonly memoryBytes: number
  /** Processes and threads together; a numeric library alone takes one thread per core. */
  readonly processes: number
  readonly openFiles: number
  /** Of one file. */
  readonly fileBytes: number
  /** Of /tmp, /dev/shm and the home folder, each. */
  readonly temporaryBytes: number
  /** Between the polite signal and the kill. */
  readonly graceMs: number
}

export const DEFAULT_LIMITS: SandboxLimits = {
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  openFiles: 1024,
  fileBytes: 4 * 1024 ** 3,
  temporaryBytes: 1024 ** 3,
  graceMs: 2000,
}

export interface SandboxSpec {
  readonly command: readonly [string, ...string[]]
  readonly cwd: string
  /** Exactly the variables the process has; nothing of the service's own environment reaches it. */
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  readonly limits: SandboxLimits
  /** The identity to run as when the service is root; an ordinary user's sandbox has that user's own. */
  readonly uid?: number
}
