/** A time zone as the offsets of its wall clock, from the data that Node brings along. */

import { invalid } from '../../ground/errors.ts'

export interface Zone {
  /** What is to be added to UTC to get the wall clock, in milliseconds. */
  offsetAt(moment: number): number
  /** The first moment after one and up to another at which the offset is another one. */
  changeIn(after: number, upTo: number): number | undefined
}

/** Zones have changed their clocks twice within a month (Ramadan in Egypt and Morocco), never within a week. */
const STEP_MS = 7 * 86_400_000

/** @throws invalid when there is no such time zone */
export function zoneOf(timeZone: string): Zone {
  const format = formatOf(timeZone)
  const offsetAt = (moment: number) => {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
    return wall - Math.floor(moment / 1000) * 1000
  }
  return {
    offsetAt,
    changeIn: (after, upTo) => {
      const before = offsetAt(after)
      for (let from = after; from < upTo; from += STEP_MS) {
        const to = Math.min(upTo, from + STEP_MS)
        if (offsetAt(to) !== before) return firstOther(offsetAt, from, to)
      }
      return undefined
    },
  }
}

/** Halves until the second is found; offsets change at whole seconds. */
function firstOther(offsetAt: (moment: number) => number, from: number, to: number): number {
  const before = offsetAt(from)
  let [low, high] = [Math.floor(from / 1000), Math.ceil(to / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (cause) {
    throw invalid(
      `schedule.timeZone "${timeZone}" is not known; it is an IANA name such as Europe/Berlin or UTC`,
      cause,
    )
  }
}
