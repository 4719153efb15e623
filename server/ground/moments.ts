/**
 * Moments as callers write them. Rules of the original (behaviour dossier §1.5): ISO text, epoch milliseconds, epoch
 * seconds, a negative offset from now, or `{$date}`.
 */

import type { TimeFormats } from '../../contract/shapes.ts'
import { invalid } from './errors.ts'

/** Numbers from here on are milliseconds, below are seconds: 1e11 s is the year 5138, 1e11 ms is March 1973. */
const MILLISECONDS_FROM = 1e11

/** The years 1 to 9999: what ISO 8601 writes with four digits, and every database understands. */
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00Z')
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** The instant meant, or undefined when the value means none. */
export function parseMoment(value: TimeFormats, now: Date): Date | undefined {
  if (typeof value === 'object') return parseMoment(value.$date, now)
  if (typeof value === 'number') return fromNumber(value, now)
  const trimmed = value.trim()
  if (trimmed !== '' && Number.isFinite(Number(trimmed))) return fromNumber(Number(trimmed), now)
  return valid(Date.parse(trimmed))
}

/** The instant a query parameter means, undefined when it is absent or empty. @throws invalid when it is no time */
export function readMoment(field: string, text: string | undefined, now: Date): Date | undefined {
  if (text === undefined || text === '') return undefined
  const moment = parseMoment(text, now)
  if (!moment) throw invalid(`${field} must be a time: ISO 8601, or milliseconds since 1970`)
  return moment
}

function fromNumber(value: number, now: Date): Date | undefined {
  if (value < 0) return valid(now.getTime() + value)
  return valid(value >= MILLISECONDS_FROM ? value : value * 1000)
}

function valid(ms: number): Date | undefined {
  return ms >= EARLIEST_MS && ms <= LATEST_MS ? new Date(Math.round(ms)) : undefined
}

/**
 * The bound of a time range: an offset of zero or less counts from `base`, a positive value is an absolute epoch
 * millisecond (1 is "from the beginning").
 */
export const boundOf = (value: number, base: Date) => (value > 0 ? value : base.getTime() + value)
