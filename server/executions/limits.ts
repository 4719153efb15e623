/** The part of an execution's limits that its sandbox holds; what they are is decided in `catalog/limits.ts`. */

import type { ExecutionLimits } from '../../contract/limits.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../sandbox/spec.ts'

/** One file may be as large as all files of its folder. */
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
