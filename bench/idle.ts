/** Waits for a quiet machine before each measured run: what others do on it must not count as ours or a peer's. */

import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

const WINDOW_MS = 200
const IDLE_ENOUGH = 0.85
/** A machine that is never quiet is measured all the same; the report says how often. */
const GIVE_UP_MS = 5000

export interface Gate {
  /** Resolves when the machine was at least 85 % idle for 200 ms, or after 5 s. */
  pass(): Promise<void>
  /** How often it gave up, of how many. */
  readonly told: string
}

/** A gate that counts. */
export function createGate(): Gate {
  let passed = 0
  let gaveUp = 0
  return {
    pass: async () => {
      passed += 1
      const until = performance.now() + GIVE_UP_MS
      while ((await idleShare()) < IDLE_ENOUGH) {
        if (performance.now() < until) continue
        gaveUp += 1
        return
      }
    },
    get told() {
      return gaveUp === 0 ? 'the machine was idle before each run' : `busy before ${gaveUp} of ${passed} runs`
    },
  }
}

async function idleShare(): Promise<number> {
  const before = await ticks()
  await setTimeout(WINDOW_MS)
  const after = await ticks()
  return (after.idle - before.idle) / Math.max(1, after.all - before.all)
}

/** The first line of /proc/stat: user, nice, system, idle, iowait, … in hundredths of a second over all cores. */
async function ticks(): Promise<{ idle: number; all: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  const values = line.trim().split(/\s+/).slice(1, 9).map(Number)
  return { idle: (values[3] ?? 0) + (values[4] ?? 0), all: values.reduce((sum, value) => sum + value, 0) }
}
