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
  /** Of all processes together, files in /out, /tmp, /dev/shm and the home folder included: those are memory. */
  readonly memoryBytes: number
  /** Cores' worth of time for all processes together, fractions allowed; 0 takes what is free. */
  readonly cores: number
  /** Processes and threads together; a numeric library alone takes one thread per core. */
  readonly processes: number
  readonly openFiles: number
  /** Of one file. */
  readonly fileBytes: number
  /** Of /tmp, /dev/shm and the home folder, each. */
  readonly temporaryBytes: number
  readonly temporaryFiles: number
  /** Of everything in OUTPUT_DIR together. */
  readonly outputBytes: number
  readonly outputFiles: number
  /** Between the polite signal and the kill, for a run that took too long; see `graceMsOf`. */
  readonly graceMs: number
}

export const DEFAULT_LIMITS: SandboxLimits = {
  memoryBytes: 2 * 1024 ** 3,
  cores: 0,
  processes: 256,
  openFiles: 1024,
  fileBytes: 4 * 1024 ** 3,
  temporaryBytes: 1024 ** 3,
  temporaryFiles: 100_000,
  outputBytes: 1024 ** 3,
  outputFiles: 10_000,
  graceMs: 5000,
}

/** A cancellation is final within two seconds, so a cell that ignores its interrupt has less time then. */
const CANCEL_GRACE_MS = 1000

/** Milliseconds between the interrupt and the kill, by the reason of the end. */
export const graceMsOf = ({ graceMs }: SandboxLimits, reason: string): number =>
  reason === 'timeout' ? graceMs : Math.min(graceMs, CANCEL_GRACE_MS)

export interface SandboxSpec {
  readonly command: readonly [string, ...string[]]
  readonly cwd: string
  /** Exactly the variables the process has; nothing of the service's own environment reaches it. */
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  /** A folder in memory, of `outputBytes`; it outlives the sandbox for as long as `openFolder` holds it. */
  readonly outputFolder?: string
  /** A small folder in memory to talk through, with files the process may read and replace; `openFolder` reaches it. */
  readonly talkFolder?: { readonly path: string; readonly files: Readonly<Record<string, string>> }
  /** Two pipes to talk through: the program reads descriptor 3 and writes descriptor 4. */
  readonly channel?: true
  readonly limits: SandboxLimits
  /** The identity to run as when the service is root; an ordinary user's sandbox has that user's own. */
  readonly uid?: number
}
