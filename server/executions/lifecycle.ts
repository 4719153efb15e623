/** The life of an execution as pure decisions: which status may follow which, and which one a failure leads to. */

import type { ExecutionStatus } from '../../contract/executions.ts'
import { CAUSES, type Failure } from './causes.ts'

/**
 * `inProgress` may return to `queued` when its worker was lost and attempts are left. `canceling` may still end as what
 * had ended the notebook before the cancellation came: the first cause wins.
 */
const NEXT: Record<ExecutionStatus, readonly ExecutionStatus[]> = {
  queued: ['inProgress', 'canceled'],
  inProgress: ['completed', 'errored', 'timeout', 'canceling', 'queued'],
  canceling: ['canceled', 'errored', 'timeout'],
  completed: [],
  errored: [],
  timeout: [],
  canceled: [],
}

export const canBecome = (from: ExecutionStatus, to: ExecutionStatus) => NEXT[from].includes(to)

export const isFinal = (status: ExecutionStatus) => NEXT[status].length === 0

/** Every status from which `to` may be reached: what a guarded update compares with. */
export const before = (to: ExecutionStatus) => STATUSES.filter((from) => canBecome(from, to))

const STATUSES = Object.keys(NEXT).filter((status): status is ExecutionStatus => status in NEXT)

/** Every status that is the end. */
export const FINAL = STATUSES.filter(isFinal)

/** Every other one as a list in SQL, for `status in …`; as words and not as a parameter, so that partial indexes serve. */
export const UNFINISHED = `(${STATUSES.filter((status) => !isFinal(status))
  .map((status) => `'${status}'`)
  .join(', ')})`

/** The final status an execution with this failure (or none) gets. */
export const finalStatus = (failure: Pick<Failure, 'name'> | undefined): ExecutionStatus =>
  failure === undefined ? 'completed' : CAUSES[failure.name]

/** Attempts a run gets when workers die under it. */
export const MAX_ATTEMPTS = 3

/** The state diagram as Mermaid text; ARCHITECTURE.md shows it and a test keeps the two equal. */
export const diagram = () =>
  [
    'stateDiagram-v2',
    '  [*] --> queued',
    ...STATUSES.flatMap((from) => NEXT[from].map((to) => `  ${from} --> ${to}`)),
    ...STATUSES.filter(isFinal).map((status) => `  ${status} --> [*]`),
  ].join('\n')
