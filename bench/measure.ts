/** Interleaved timing: contestants take turns within one run, because these machines drift by a third within minutes. */

import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

export interface Contestant {
  readonly name: string
  /** Does the work once and gives how long it took, in ms. */
  readonly run: () => Promise<number>
}

export interface Timed {
  readonly name: string
  readonly medianMs: number
  readonly minMs: number
  readonly maxMs: number
}

/** Each contestant in turn, `rounds` times, after one round that does not count; `before` is awaited before each. */
export async function interleave(
  contestants: readonly Contestant[],
  rounds: number,
  before: () => Promise<void>,
): Promise<Timed[]> {
  const times = contestants.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      await before()
      const took = await contestant.run()
      if (round > 0) times[index]?.push(took)
    }
    process.stderr.write(`\rround ${round} of ${rounds}${round === rounds ? '\n' : ''}`)
  }
  return contestants.map(({ name }, index) => ({ name, ...spread(times[index] ?? []) }))
}

/** Median, least and greatest of some durations; zeros for none. */
export function spread(times: readonly number[]): Omit<Timed, 'name'> {
  const sorted = times.toSorted((a, b) => a - b)
  return { medianMs: median(sorted), minMs: sorted[0] ?? 0, maxMs: sorted.at(-1) ?? 0 }
}

/** The middle of sorted numbers, the mean of the two middle ones for an even count; 0 for none. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? 0
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** What a reader needs to know to compare figures: machine, versions, commit, and how to do it again. */
export function conditions(): string {
  const commit = tryCommand('git', ['describe', '--always', '--dirty'])
  const memory = Math.round(totalmem() / 1024 ** 3)
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${memory} GiB, Node ${process.version}, commit ${commit}; npm run bench -- ${process.argv.slice(2).join(' ')}`
}

function tryCommand(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}
