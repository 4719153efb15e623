/**
 * The limits of an installation, lowered by those of an application, and for executions by those of a notebook once more.
 * Pure decisions.
 */

import { type AllLimits, ExecutionLimits, type LimitName } from '../../contract/limits.ts'
import { invalid } from '../ground/errors.ts'

const KIB = 1024
const MIB = 1024 ** 2

/** A notebook that asks for less could not run at all: a kernel alone takes about 80 MB and a dozen threads. */
const LOWEST: Record<LimitName, number> = {
  memoryBytes: 128 * MIB,
  cores: 0.05,
  processes: 16,
  openFiles: 64,
  outputBytes: 4096,
  outputFiles: 16,
  temporaryBytes: MIB,
  temporaryFiles: 64,
  cellOutputBytes: 1024,
  runOutputBytes: 1024,
  cellSeconds: 0.1,
  runMinutes: 0.01,
  silenceSeconds: 0.1,
  notebooks: 1,
  minutesPerMonth: 1,
  parallelExecutions: 1,
  queuedExecutions: 1,
  notebookBytes: KIB,
  fileBytes: KIB,
  directFileBytes: KIB,
  // Limits themselves are set with a body, and it is only looked up whose body has more (http/body-size.ts).
  bodyBytes: 64 * KIB,
}

const isName = (name: string): name is LimitName => Object.hasOwn(LOWEST, name)
const NAMES = Object.keys(LOWEST).filter(isName)
const OF_EXECUTIONS = Object.keys(ExecutionLimits.properties).filter(isName)

/** Some of the limits, or all of them. */
type Some = Partial<AllLimits>

/** @throws invalid naming the first limit that is out of its range, and the range; `above` are the limits it may lower */
export function checkLimits(limits: Some, above: Some): void {
  for (const name of NAMES) {
    const [asked, most] = [limits[name], above[name]]
    if (asked === undefined || most === undefined) continue
    const to = highest(most)
    // An installation may be stricter than the lowest value there is: its own is allowed then.
    const from = Math.min(LOWEST[name], to)
    if (asked >= from && asked <= to) continue
    const range = to === Number.POSITIVE_INFINITY ? `at least ${from}` : `from ${from} to ${to}`
    throw invalid(`limits.${name} is ${asked}; it must be ${range}`)
  }
}

/** The limits above, lowered by one's own: also where those above were lowered after one's own had been set. */
export function effectiveLimits<T extends Some>(own: Some, above: T): T {
  const lowered: Some = {}
  for (const name of NAMES) {
    const [asked, most] = [own[name], above[name]]
    if (asked !== undefined && most !== undefined) lowered[name] = Math.min(asked, highest(most))
  }
  return { ...above, ...lowered }
}

/** Zero is no limit; only those limits can be zero that allow it. */
const highest = (limit: number) => (limit === 0 ? Number.POSITIVE_INFINITY : limit)

/** Of all limits those of one execution. */
export const executionLimits = (limits: AllLimits): ExecutionLimits =>
  // Every property of the schema, taken from an object that has all of them.
  Object.fromEntries(OF_EXECUTIONS.map((name) => [name, limits[name]])) as ExecutionLimits
