/** Answers that wait for the end of an execution: for a time at most, while somebody still listens and the service goes on. */

import { isFinal } from '../executions/lifecycle.ts'
import type { Execution } from '../executions/record.ts'
import type { Watch } from '../executions/watch.ts'
import { AppError, invalid, messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'

/** Shorter than what clients wait for the head of an answer by default: undici and Node's fetch give up after 300 s. */
const MAX_WAIT_SECONDS = 240

/** The milliseconds of a `wait`, 0 when it is absent or empty. @throws invalid */
export function waitMs(text: string | undefined): number {
  const seconds = Number(text?.trim() || 0)
  if (seconds >= 0 && seconds <= MAX_WAIT_SECONDS) return seconds * 1000
  throw invalid(`wait must be a number of seconds from 0 to ${MAX_WAIT_SECONDS}`)
}

export interface Waiting {
  readonly watch: Watch
  readonly draining: AbortSignal
  readonly log: Log
  readonly read: () => Promise<Execution>
}

/**
 * The execution when it has ended; undefined when the time was over, the client gone, the service draining or the
 * execution deleted or out of sight before that. Never fails: the execution is queued, and who is told of a failure asks for
 * it once more.
 */
export async function waitForEnd(
  { watch, draining, log, read }: Waiting,
  executionId: string,
  limitMs: number,
  gone: AbortSignal,
): Promise<Execution | undefined> {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), limitMs)
  const signal = AbortSignal.any([over.signal, gone, draining])
  try {
    await watch.untilEnd(executionId, signal)
    const execution = await read()
    return isFinal(execution.status) ? execution : undefined
  } catch (error) {
    // It was deleted, or the database is away for a moment or ended the statement: it was queued all the same.
    if (!(error instanceof AppError)) log.warn({ executionId, error: messageOf(error) }, 'end not waited for')
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
