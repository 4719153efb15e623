/** Why a running execution is stopped from outside: the reasons its signal is aborted with, and what each one means. */

import type { Failure } from './lifecycle.ts'

/** The run is not this worker's any more; it is dropped without an ending, and another attempt takes it up. */
export class GivenUp extends Error {}

/** The reason of a cancellation. */
export const cancellation = () => new DOMException('The execution was canceled', 'AbortError')

/** The reason of a time limit. */
export const overtime = (minutes: number) =>
  new DOMException(`The notebook ran longer than the ${minutes} minutes it may`, 'TimeoutError')

/** The failure of an execution that was canceled in a stage. */
export const canceledIn = (stage: Failure['stage']): Failure => ({
  stage,
  reason: 'canceled',
  name: 'Canceled',
  message: 'The execution was canceled',
})

/** The failure an aborted signal stands for. @throws GivenUp */
export function stopped(signal: AbortSignal, stage: Failure['stage']): Failure {
  const reason: unknown = signal.reason
  if (reason instanceof GivenUp) throw reason
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? { stage, reason: 'timeout', name: 'Timeout', message: reason.message }
    : canceledIn(stage)
}
