/** What a due schedule does: which of the planned times that have come are run, which are left out, and what comes next. */

import type { Schedule } from '../../../contract/schedules.ts'
import { newestTimes, type Times } from './times.ts'

/** A planned time that is later than this was missed: nobody looked when it came. A restart takes seconds. */
export const LATE_MS = 60_000

export interface Due {
  readonly catchUp: Schedule['catchUp']
  readonly catchUpLimit: number
  /** The first planned time that nobody has seen to. */
  readonly nextRunAt: Date
}

export interface Plan {
  /** Planned times to run, in order. */
  readonly run: readonly Date[]
  /** The first and the last planned time that are left out. */
  readonly missed: { readonly from: Date; readonly to: Date } | undefined
  /** The planned time after all of these; undefined when there is none. */
  readonly next: Date | undefined
}

/** Decides for a schedule whose next time has come. */
export function planDue({ catchUp, catchUpLimit, nextRunAt }: Due, times: Times, now: Date): Plan {
  const most = catchUp === 'all' ? catchUpLimit : 1
  // One more than may run tells the last one that is left out.
  const newest = newestTimes(times, nextRunAt, now, most + 1)
  const isLate = (at: Date) => now.getTime() - at.getTime() > LATE_MS
  const run = newest.slice(-most).filter((at) => catchUp !== 'none' || !isLate(at))
  const left = newest.slice(0, newest.length - run.length)
  const to = left.at(-1)
  return { run, missed: to && { from: nextRunAt, to }, next: times.after(newest.at(-1) ?? now) }
}
