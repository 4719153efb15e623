/** Why a running execution is stopped from outside: the reasons its signal is aborted with, and what each one means. */

import { isTimeout } from '../sandbox/process.ts'
import { canceled, type Failure, runTimeout } from './causes.ts'

/** The run is not this worker's any more; it is dropped without an ending, and another attempt takes it up. */
export class GivenUp extends Error {}

/** What the kernel was forked from died, and the kernel with it; no fault of the notebook, which gets another attempt. */
export class KernelLost extends Error {
  override readonly name = 'KernelLost'
}

/** The reason of a cancellation. */
export const cancellation = () => new DOMException('The execution was canceled', 'AbortError')

/** The reason of a time limit. */
export const overtime = (minutes: number) =>
  new DOMException(`The notebook ran longer than the ${minutes} minutes it may`, 'TimeoutError')

/**
 * Aborted when this signal is, by a cancellation; a run that is given up goes on with what it stores, and so does one
 * whose time ran out: before the notebook's end that is its failure already, after it there is nothing to cut short.
 */
export function whenCanceled(signal: AbortSignal): AbortSignal {
  const canceling = new AbortController()
  const look = () => {
    if (!(signal.reason instanceof GivenUp) && !isTimeout(signal.reason)) canceling.abort(signal.reason)
  }
  if (signal.aborted) look()
  else signal.addEventListener('abort', look, { once: true })
  return canceling.signal
}

/** The failure an aborted signal stands for. @throws GivenUp */
export function stopped(signal: AbortSignal): Failure {
  const reason: unknown = signal.reason
  if (reason instanceof GivenUp) throw reason
  return reason instanceof Error && isTimeout(reason) ? runTimeout(reason.message) : canceled
}
