/** The limits of one execution: those of the installation, lowered by the notebook's own. Pure decisions. */

import type { ExecutionLimits, LimitName, NotebookLimits } from '../../contract/limits.ts'
import { invalid } from '../ground/errors.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../sandbox/spec.ts'

/** A notebook that asks for less could not run at all: a kernel alone takes about 80 MB and a dozen threads. */
const LOWEST: Record<LimitName, number> = {
  memoryBytes: 128 * 1024 ** 2,
  cores: 0.05,
  processes: 16,
  openFiles: 64,
  outputBytes: 4096,
  outputFiles: 16,
  temporaryBytes: 1024 ** 2,
  temporaryFiles: 64,
  cellOutputBytes: 1024,
  runOutputBytes: 1024,
  cellSeconds: 0.1,
  runMinutes: 0.01,
  silenceSeconds: 0.1,
}

const NAMES = Object.keys(LOWEST).filter((name): name is LimitName => name in LOWEST)

/** @throws invalid naming the first limit that is out of its range, and the range */
export function checkLimits(limits: NotebookLimits, installation: ExecutionLimits): void {
  for (const name of NAMES) {
    const asked = limits[name]
    if (asked === undefined) continue
    const [from, to] = [LOWEST[name], highest(installation[name])]
    if (asked >= from && asked <= to) continue
    const range = to === Number.POSITIVE_INFINITY ? `at least ${from}` : `from ${from} to ${to}`
    throw invalid(`limits.${name} is ${asked}; it must be ${range}`)
  }
}

/** What an execution gets: also where the installation's limits were lowered after the notebook's had been set. */
export function effectiveLimits(own: NotebookLimits, installation: ExecutionLimits): ExecutionLimits {
  const limits = { ...installation }
  for (const name of NAMES) {
    const asked = own[name]
    if (asked !== undefined) limits[name] = Math.min(asked, highest(installation[name]))
  }
  return limits
}

/** Zero is no limit; only those limits can be zero that allow it. */
const highest = (limit: number) => (limit === 0 ? Number.POSITIVE_INFINITY : limit)

/** The part of the limits that the sandbox holds; one file may be as large as all files of its folder. */
export const sandboxLimits = (limits: ExecutionLimits): SandboxLimits => ({
  ...DEFAULT_LIMITS,
  memoryBytes: limits.memoryBytes,
  cores: limits.cores,
  processes: limits.processes,
  openFiles: limits.openFiles,
  fileBytes: Math.max(limits.outputBytes, limits.temporaryBytes),
  outputBytes: limits.outputBytes,
  outputFiles: limits.outputFiles,
  temporaryBytes: limits.temporaryBytes,
  temporaryFiles: limits.temporaryFiles,
})
