/** Waiting for something another process does, which can only be asked about, with a limit and a sentence for when it passes. */

import { setTimeout as pause } from 'node:timers/promises'

export interface WaitLimits {
  readonly limitMs: number
  readonly signal?: AbortSignal | undefined
  /** What the error says when the limit passes: what was awaited, and what to do. */
  readonly late: () => string | Promise<string>
}

/** Asks every 20 ms until the answer is something other than undefined, and returns that answer. */
export async function waitFor<T>(ask: () => Promise<T | undefined>, limits: WaitLimits): Promise<T> {
  const deadline = performance.now() + limits.limitMs
  for (;;) {
    limits.signal?.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(await limits.late())
    await pause(20, undefined, { signal: limits.signal })
  }
}
