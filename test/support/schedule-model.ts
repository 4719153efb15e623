/** Schedules the naive way: every minute is looked at, one after another, on the wall clock that Node shows for it. */

import fc from 'fast-check'

/** A cron expression as sets of numbers; undefined is a star. */
export interface Fields {
  readonly minutes: readonly number[] | undefined
  readonly hours: readonly number[] | undefined
  /** Days of the month, and of the week with Sunday as 0: when both are given, one of them is enough. */
  readonly days: readonly number[] | undefined
  readonly weekdays: readonly number[] | undefined
}

const MINUTE_MS = 60_000
const textOf = (numbers: readonly number[] | undefined) => numbers?.join(',') ?? '*'

export const expressionOf = ({ minutes, hours, days, weekdays }: Fields) =>
  [textOf(minutes), textOf(hours), textOf(days), '*', textOf(weekdays)].join(' ')

/** Zones whose clocks are set by an hour, by half of one, at midnight, over a whole day, and never; and when they are. */
export const CHANGES: readonly (readonly [string, string])[] = [
  ['Europe/Berlin', '2027-03-28T01:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00Z'],
  ['America/New_York', '2027-03-14T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00Z'],
  ['America/Sao_Paulo', '2019-02-17T02:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00Z'],
  ['Africa/Cairo', '2026-10-29T21:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['Asia/Kathmandu', '2026-10-25T01:00Z'],
  ['UTC', '2026-10-25T01:00Z'],
]

const someOf = (from: number, to: number, most: number) =>
  fc.option(fc.uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: most }), { nil: undefined })

/** Expressions that come true at night more often than not, where clocks are set. */
export const fields: fc.Arbitrary<Fields> = fc.record({
  minutes: someOf(0, 59, 3),
  hours: fc.oneof({ weight: 3, arbitrary: someOf(0, 4, 3) }, { weight: 1, arbitrary: someOf(0, 23, 3) }),
  days: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: someOf(1, 31, 15) }),
  weekdays: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: someOf(0, 6, 4) }),
})

/** The planned times later than one moment, up to another one that is included. */
export function plannedTimes(wanted: Fields, timeZone: string, after: Date, upTo: Date): Date[] {
  const wallOf = wallClock(timeZone)
  const names = (wall: number) => matches(wanted, new Date(wall))
  const isInterval = wanted.minutes === undefined || wanted.hours === undefined
  const found: Date[] = []
  const shown = new Set<number>()
  // From a day and a half before: what the clock has shown by then can't be shown a second time later.
  const first = Math.floor((after.getTime() - 36 * 60 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS
  let previous = wallOf(first - MINUTE_MS)
  for (let moment = first; moment <= upTo.getTime(); moment += MINUTE_MS) {
    const wall = wallOf(moment)
    let comesTrue = names(wall) && (isInterval || !shown.has(wall))
    for (let leapt = previous + MINUTE_MS; leapt < wall; leapt += MINUTE_MS) comesTrue ||= names(leapt)
    if (comesTrue && moment > after.getTime()) found.push(new Date(moment))
    shown.add(wall)
    previous = wall
  }
  return found
}

function matches({ minutes, hours, days, weekdays }: Fields, wall: Date): boolean {
  const has = (numbers: readonly number[] | undefined, value: number) =>
    numbers === undefined || numbers.includes(value)
  const [isDay, isWeekday] = [has(days, wall.getUTCDate()), has(weekdays, wall.getUTCDay())]
  const isToday = days && weekdays ? isDay || isWeekday : isDay && isWeekday
  return has(minutes, wall.getUTCMinutes()) && has(hours, wall.getUTCHours()) && isToday
}

/** What the clock of a zone shows, as if it were UTC. */
function wallClock(timeZone: string): (moment: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  return (moment) => Date.parse(`${format.format(moment).replace(' ', 'T')}Z`)
}
