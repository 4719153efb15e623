/** Minutes the naive way: a list of everything that ended, looked through for every question. */

import type { Execution } from '../../server/executions/record.ts'

export interface Ended {
  readonly notebookId: string
  readonly applicationId: string
  readonly userId: string
  readonly status: Execution['status']
  readonly at: number
  readonly minutes: number
  /** Whether its log is still there. */
  logged: boolean
}

/** Begun minutes, by going through them one by one. */
export function begunMinutes(from: number | undefined, to: number): number {
  if (from === undefined) return 0
  let minutes = 1
  while (from + minutes * 60_000 < to) minutes += 1
  return minutes
}

const NONE = { minutes: 0, completed: 0, canceled: 0, errored: 0, timeout: 0 }
const utcDay = (ms: number) => new Date(ms).toISOString().slice(0, 10)

function sum(runs: readonly Ended[]): typeof NONE {
  const counts = { ...NONE }
  for (const { status, minutes } of runs) {
    counts.minutes += minutes
    counts[status as keyof typeof NONE] += 1
  }
  return counts
}

/** What `minuteCounts` has to give for runs of one notebook, application or user. */
export function expectedCounts(runs: readonly Ended[], start: number, end: number, now: number) {
  const counts = []
  for (const day = new Date(`${utcDay(start)}T00:00:00Z`); day.getTime() <= end; day.setUTCDate(day.getUTCDate() + 1)) {
    const ofDay = runs.filter(({ at }) => utcDay(at) === utcDay(day.getTime()))
    const isWhole = start <= day.getTime() && (end >= now || utcDay(end + 1) > utcDay(day.getTime()))
    const within = ofDay.filter(({ at }) => at >= start && (at <= end || end >= now))
    const shown = isWhole || ofDay.some(({ logged }) => !logged) ? ofDay : within
    counts.push({ date: day.toISOString(), ...sum(shown) })
  }
  return counts
}

/** What `stats` has to give. */
export function expectedStats(runs: readonly Ended[], now: number) {
  const month = new Date(now).toISOString().slice(0, 7)
  const { minutes, completed, canceled, errored, timeout } = sum(
    runs.filter(({ at }) => new Date(at).toISOString().startsWith(month)),
  )
  return {
    minutesThisPeriod: minutes,
    runsThisPeriod: completed + canceled + errored + timeout,
    errorsThisPeriod: errored + timeout,
  }
}
