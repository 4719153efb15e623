/** The watch over the event loop sees work that does not let go. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { watchLoopDelay } from '../../server/ground/loop-delay.ts'

test('work that holds the event loop up is seen as a delay of that length', { timeout: 30_000 }, async ({ signal }) => {
  using watch = watchLoopDelay()
  hold(50) // the first look only starts the clock
  await setImmediate()
  hold(400)
  // A look that is late comes with one of the next turns; without one this ends by the limit above.
  while (watch.longestMs() < 200 && !signal.aborted) await setImmediate()
  assert.ok(watch.longestMs() >= 200)
})

/** Keeps the event loop from everything else. */
function hold(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
