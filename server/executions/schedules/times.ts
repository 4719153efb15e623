/**
 * When a cron expression comes true in a time zone. The library reads the expression and finds it on a calendar without
 * time zones; how a wall clock that is set forward or back meets that calendar is decided here (decision 34).
 *
 * A time that the clock leaps over comes true at the moment of the leap. A time that it shows twice comes true once, the
 * first time. An expression whose minute or hour begins with `*` names an interval, and goes on through the hour that
 * comes twice, so that no stretch of time is left out.
 */

import { Cron } from 'croner'
import { invalid } from '../../ground/errors.ts'
import { type Zone, zoneOf } from './zone.ts'

export interface Times {
  /** The first one later than a moment, to the minute; undefined when there is none before the year 10,000. */
  after(moment: Date): Date | undefined
}

/** Five fields, or a name for them. `?` would mean the minute in which it is read. */
const EXPRESSION = /^(?:[^\s?@]+(?:[ \t]+[^\s?]+){4}|@(?:hourly|daily|midnight|weekly|monthly|yearly|annually))$/i

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Further than from one 29th of February to the next; a schedule that waits longer is a mistake more often than not. */
const SOON_YEARS = 5

/** Any two offsets of a zone differ by less: the most there has ever been is the day that Samoa left out. */
const SWING_MS = 2 * DAY_MS

/** The times of an expression that somebody asks for. @throws invalid as `timesOf` says, or when the first is years away */
export function requireTimes(expression: string, timeZone: string, now: Date): Times {
  const times = timesOf(expression, timeZone)
  const first = times.after(now)
  if (!first) throw invalid(`schedule.cron "${expression}" never comes true`)
  const latest = new Date(now)
  latest.setUTCFullYear(latest.getUTCFullYear() + SOON_YEARS)
  if (first <= latest) return times
  throw invalid(
    `schedule.cron "${expression}" comes true at ${first.toISOString()} first; it must within ${SOON_YEARS} years`,
  )
}

/** @throws invalid when the expression can't be read, or there is no such time zone */
export function timesOf(expression: string, timeZone: string): Times {
  const zone = zoneOf(timeZone)
  const pattern = readExpression(expression.trim())
  const isInterval = /^(?:\*|\S+[ \t]+\*|@hourly)/i.test(expression.trim())
  return {
    after: (moment) => {
      const at = firstAfter(moment.getTime(), pattern, zone, isInterval)
      return at === undefined ? undefined : new Date(at)
    },
  }
}

/** Gives the first time on the wall clock, as if it were UTC, that is later than another one. */
type Pattern = (wall: number) => number | undefined

function readExpression(expression: string): Pattern {
  if (!EXPRESSION.test(expression)) {
    throw invalid(
      `schedule.cron must be five fields (minute, hour, day of month, month, day of week) as in "30 6 * * 1-5", or one of @hourly, @daily, @weekly, @monthly, @yearly`,
    )
  }
  try {
    const cron = new Cron(expression, { timezone: 'UTC', mode: '5-part', paused: true })
    return (wall) => cron.nextRun(new Date(wall))?.getTime()
  } catch (cause) {
    throw invalid(
      `schedule.cron "${expression}" can't be read: ${String(cause).replace(/^\w+: (?:\w+: )?/, '')}`,
      cause,
    )
  }
}

function firstAfter(moment: number, pattern: Pattern, zone: Zone, isInterval: boolean): number | undefined {
  let from = moment
  let wall = isInterval ? from + zone.offsetAt(from) : latestShown(from, zone)
  let match = pattern(wall)
  while (match !== undefined) {
    const at = match - zone.offsetAt(from)
    const isFar = at - from > 2 * SWING_MS
    const change = zone.changeIn(from, isFar ? from + SWING_MS : at)
    if (change === undefined) {
      if (!isFar) return at
      // What changes in between shows nothing again that is past, and leaps over nothing that is named.
      from = at - SWING_MS
      continue
    }
    const next = zone.offsetAt(change)
    // The clock came to change + offset and goes on at change + next; what lies between was leapt over.
    if (match <= change + next) return change
    from = change
    if (isInterval) wall = Math.min(wall, change + next - 1)
    match = pattern(wall)
  }
  return undefined
}

/** The latest time that the wall clock has shown so far: later than what it shows, when it was set back a while ago. */
function latestShown(moment: number, zone: Zone): number {
  const now = moment + zone.offsetAt(moment)
  const before = zone.offsetAt(moment - DAY_MS)
  if (before <= zone.offsetAt(moment)) return now
  const change = zone.changeIn(moment - DAY_MS, moment)
  return change === undefined ? now : Math.max(now, change + before - 1)
}

/** The next times later than a moment, in order. */
export function nextTimes(times: Times, after: Date, count: number): Date[] {
  const found: Date[] = []
  for (let at = times.after(after); at && found.length < count; at = times.after(at)) found.push(at)
  return found
}

/**
 * The newest of the times from one moment to another, both included, in order. Looked for in stretches that double from an
 * hour, so that a year of minutes costs no more than the last few of them.
 */
export function newestTimes(times: Times, from: Date, to: Date, count: number): Date[] {
  for (let stretchMs = HOUR_MS; ; stretchMs *= 2) {
    const start = Math.max(from.getTime(), to.getTime() - stretchMs)
    const found: Date[] = []
    for (let at = times.after(new Date(start - 1)); at && at <= to; at = times.after(at)) found.push(at)
    if (found.length >= count || start === from.getTime()) return found.slice(-count)
  }
}
