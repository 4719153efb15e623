/**
 * Which segments to make into larger ones. Pure. Segments of one rank (toSeq) form a run: one seal, or one compaction.
 * Runs are merged while they are of like size, so that there are few of them and each state is rewritten a few times in
 * its life: with three times as much in each older run, eight runs hold the newest one six thousand times.
 */

import { boxesMeet } from './relation.ts'
import type { Segment } from './segments.ts'

/** Fewer are not worth a rewrite. */
const FEWEST = 4
/** An older run joins while it has at most this many times the rows of all newer ones together. */
const LIKE = 3
/** A run of so many rows is left alone, unless newer reports lie in its midst: reading would gain nothing more. */
const FULL_ROWS = 8_000_000

interface Run {
  readonly segments: readonly Segment[]
  readonly rows: number
}

/** The segments to merge into one run, or undefined when all is well. Whole runs, and none between them that they meet. */
export function planCompaction(
  segments: readonly Segment[],
  { fewest = FEWEST, fullRows = FULL_ROWS }: { fewest?: number; fullRows?: number } = {},
): Segment[] | undefined {
  const chosen: Run[] = []
  const passed: Run[] = []
  let rows = 0
  for (const run of newestFirst(segments)) {
    if (run.rows >= fullRows && !chosen.some((one) => meet(one, run))) {
      passed.push(run)
      continue
    }
    // What is merged takes the rank of its newest part: nothing it meets may lie in between.
    if (passed.some((one) => meet(one, run))) break
    if (chosen.length > 0 && run.rows > LIKE * rows) break
    chosen.push(run)
    rows += run.rows
  }
  return chosen.length < fewest ? undefined : chosen.flatMap((run) => run.segments)
}

function newestFirst(segments: readonly Segment[]): Run[] {
  const byRank = Map.groupBy(segments, ({ toSeq }) => toSeq)
  return [...byRank]
    .sort(([a], [b]) => b - a)
    .map(([, of]) => ({ segments: of, rows: of.reduce((sum, { rows }) => sum + rows, 0) }))
}

const meet = (a: Run, b: Run) => a.segments.some((one) => b.segments.some((other) => boxesMeet(one, other)))
