/** Ranges of time as callers of the API write them: text in a query, numbers in a body (behaviour dossier §1.6, §8.1). */

import type { RangeQuery } from '../../contract/shapes.ts'
import { invalid } from '../ground/errors.ts'
import { boundOf, readMoment } from '../ground/moments.ts'
import type { StateRange } from '../stores/telemetry/slice.ts'
import { directionOf, wholeNumber } from './listing.ts'

/** How many states or log entries one answer holds at most. */
const MAX_LIMIT = 1000
/** Ten thousand years. */
const MAX_DURATION_MS = 1e4 * 31_556_952_000
/** Of either sign: the last instant that ISO 8601 writes with four digits. */
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * The range of a request for what is read back by time: `since`, or `start` and `end`, or `duration` milliseconds before
 * `end`; its end is included. Newest first and one, unless a direction and a limit of up to 1,000 are given.
 * @throws invalid when a time is none
 */
export function rangeOf(query: RangeQuery, now: Date): StateRange {
  const { from: start, to } = boundsOf(query, now)
  const from = momentOf('since', query.since, now) ?? start
  const duration = query.duration ? Number(query.duration) : undefined
  if (duration !== undefined && !(Number.isInteger(duration) && duration >= 0 && duration <= MAX_DURATION_MS)) {
    throw invalid('duration must be a whole number of milliseconds')
  }
  return {
    from: from ?? (duration === undefined ? undefined : (to ?? now.getTime() + 1) - 1 - duration),
    to,
    newestFirst: directionOf(query.sortDirection, 'desc') === 'desc',
    limit: wholeNumber(query.limit, 1, 1, MAX_LIMIT),
  }
}

export interface Bounds {
  /** Epoch ms, inclusive; undefined is open. */
  readonly from: number | undefined
  /** Epoch ms, exclusive; undefined is open. */
  readonly to: number | undefined
}

/**
 * The bounds of query parameters `start` and `end`, which is included: epoch milliseconds or any other time, 0 is now,
 * a negative number counts from now, 1 is the beginning.
 * @throws invalid when one is no time
 */
export function boundsOf(query: { start?: string | undefined; end?: string | undefined }, now: Date): Bounds {
  const end = momentOf('end', query.end, now)
  return { from: momentOf('start', query.start, now), to: end === undefined ? undefined : end + 1 }
}

function momentOf(field: string, text: string | undefined, now: Date): number | undefined {
  if (text === '0') return now.getTime()
  return text === '1' ? undefined : readMoment(field, text, now)?.getTime()
}

/**
 * The bounds of numbers in a body: epoch milliseconds, 0 is now, a negative number counts from now, 1 as a start is the
 * beginning. Nothing given means from the beginning up to now, which is not included.
 * @throws invalid when the end is not after the start; `name` is what the body is called
 */
export function bodyBounds(
  { start = 1, end = 0 }: { start?: number | undefined; end?: number | undefined },
  now: Date,
  name: string,
): { readonly from: number | undefined; readonly to: number } {
  const from = start === 1 ? undefined : Math.ceil(boundOf(start, now))
  const to = Math.ceil(boundOf(end, now))
  for (const [field, bound] of Object.entries({ start: from ?? 1, end: to })) {
    requireTime(bound, `${name}.${field}`)
  }
  if (from !== undefined && from >= to) throw invalid(`${name}.end must be after ${name}.start`)
  return { from, to }
}

/** @throws invalid for an instant that ISO 8601 does not write with four digits of a year; `field` is what led to it */
export function requireTime(instant: number, field: string): void {
  if (Math.abs(instant) > MAX_TIME) throw invalid(`${field} must be a time within ten thousand years`)
}
