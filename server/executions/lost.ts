/**
 * Decides which executions have lost their worker, from one look at the queue after the other. Time is this process's
 * own, which no change of a clock disturbs; the database's clock alone never takes a run from a worker that lives.
 */

import type { HeldElsewhere } from './leases.ts'

export interface LossLimits {
  /** How long a worker may be without its lock: long enough to connect again, when only the connection broke. */
  readonly absentMs: number
  /** How long a lease holds without being renewed. */
  readonly leaseMs: number
}

/** What is remembered of a held execution between two looks. */
interface Sighting {
  readonly lease: string
  /** Since when the lease is this one. */
  readonly leaseSinceMs: number
  readonly absentSinceMs: number | undefined
}

export type Sightings = ReadonlyMap<string, Sighting>

/** Workers renew three times in a lease. */
const RENEWALS = 3

/**
 * What is lost at `nowMs`, and what to remember for the next look. Lost is a run whose worker was without its lock for
 * `absentMs`; or whose lease stayed the same for `leaseMs`, or is over and stayed the same for as long as a renewal takes.
 */
export function findLost(
  before: Sightings,
  held: readonly HeldElsewhere[],
  nowMs: number,
  limits: LossLimits,
): { readonly lost: HeldElsewhere[]; readonly seen: Sightings } {
  const seen = new Map<string, Sighting>()
  const lost: HeldElsewhere[] = []
  for (const run of held) {
    const key = `${run.id}/${run.attempt}`
    const known = before.get(key)
    const sighting: Sighting = {
      lease: run.lease,
      leaseSinceMs: known?.lease === run.lease ? known.leaseSinceMs : nowMs,
      absentSinceMs: run.isAttended ? undefined : (known?.absentSinceMs ?? nowMs),
    }
    seen.set(key, sighting)
    if (isLost(sighting, run.isOver, nowMs, limits)) lost.push(run)
  }
  return { lost, seen }
}

function isLost(sighting: Sighting, isOver: boolean, nowMs: number, { absentMs, leaseMs }: LossLimits): boolean {
  if (sighting.absentSinceMs !== undefined && nowMs - sighting.absentSinceMs >= absentMs) return true
  // A clock that was set back makes a dead worker's lease last; one that was set forward ends the leases of the living.
  const unchangedMs = nowMs - sighting.leaseSinceMs
  return unchangedMs >= (isOver ? leaseMs / RENEWALS : leaseMs)
}
