/**
 * How long the event loop was held up, by work of ours that did not let go or by a machine that gave us no time. While
 * it is, nobody is answered and no cell goes on.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'

/** The loop is looked at this often; a delay is what a look came later than that. */
const LOOK_MS = 10
/** Two windows of this length are kept, so that an answer covers the last 10 to 20 seconds. */
const WINDOW_MS = 10_000

export interface LoopDelay extends Disposable {
  /** The longest delay of the last 10 to 20 seconds, in ms. */
  longestMs(): number
}

/** Starts to watch; costs a timer every 10 ms. */
export function watchLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: LOOK_MS })
  histogram.enable()
  let before = 0
  // The histogram counts from look to look, in nanoseconds; an undisturbed one holds the pause itself.
  const longest = () => (histogram.count === 0 ? 0 : Math.max(0, histogram.max / 1e6 - LOOK_MS))
  const turn = setInterval(() => {
    before = longest()
    histogram.reset()
  }, WINDOW_MS).unref()
  return {
    longestMs: () => Math.round(Math.max(before, longest()) * 10) / 10,
    [Symbol.dispose]: () => {
      clearInterval(turn)
      histogram.disable()
    },
  }
}
