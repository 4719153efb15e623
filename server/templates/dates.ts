/**
 * Helpers for dates (behaviour dossier §5): Moment's format strings, in UTC and English unless a time zone or a locale is
 * given, by place or by name: `{{formatDate at "L" "Europe/Berlin" "de"}}`, `{{formatDate at tz="Europe/Berlin"}}`.
 */

import moment from 'moment-timezone'
import { knownLocale } from './locales.ts'
import { atPath, isComposite, type NamedHelper } from './values.ts'

/** A date that prints as ISO 8601, as the original's do; `format` sees that it is one. */
export class PrintableDate extends Date {
  override toString(): string {
    return this.toISOString()
  }
}

export const dates: Record<string, NamedHelper> = {
  formatDate: ([value, format, zone, locale], named) => {
    const date = dateOf(value)
    return date && writeDate(date, format, zone ?? named['tz'], locale ?? named['locale'])
  },
  formatDateRelative: ([value, relativeTo, locale], named) => {
    const date = dateOf(value)
    const base = relativeTo === undefined || relativeTo === null ? new Date() : dateOf(relativeTo)
    if (!date || !base) return ''
    return moment
      .utc(date)
      .locale(knownLocale(locale ?? named['locale']))
      .from(base)
  },
  currentDateTime: ([format, zone, locale], named) =>
    writeDate(new Date(), format, zone ?? named['tz'], locale ?? named['locale']),
}

/** The original's default for every date: `03/01/2026 4:05:06 AM`. */
const DEFAULT_FORMAT = 'L LTS'

const MAX_FORMAT = 200

/**
 * The date as the format says it.
 * @throws when the time zone does not exist or the format is too long
 */
export function writeDate(date: Date, format?: unknown, zone?: unknown, locale?: unknown): string {
  const wanted = typeof format === 'string' && format !== '' ? format : DEFAULT_FORMAT
  if (wanted.length > MAX_FORMAT) throw new Error(`a date format has at most ${MAX_FORMAT} characters`)
  const local = moment.utc(date).locale(knownLocale(locale))
  if (zone !== undefined && zone !== null && zone !== '') {
    if (!moment.tz.zone(String(zone).slice(0, 100))) throw new Error(`there is no time zone "${zone}"`)
    local.tz(String(zone))
  }
  if (isRemembered(wanted)) return local.format(EMPTY + wanted)
  return (wanted.match(TOKENS) ?? []).map((token) => local.format(EMPTY + token)).join('')
}

/** Prints nothing. Moment looks formats up in an object, where `constructor` must not be found. */
const EMPTY = '[]'

/**
 * Moment remembers every format for ever. Once there are this many, further ones are written token by token, which needs
 * no new formats; only the names of months in some languages are then another case.
 */
const MAX_FORMATS = 2000
const formats = new Set<string>()

const TOKENS = /\[[^[\]]*\]|\\?(?:([A-Za-z])\1*o?|.)/gsu

function isRemembered(format: string): boolean {
  if (formats.has(format)) return true
  if (formats.size >= MAX_FORMATS) return false
  formats.add(format)
  return true
}

const MAX_TEXT = 100

/**
 * The moment a value means: a date, epoch milliseconds also as text, ISO 8601 (UTC when it names no zone), whatever else
 * JavaScript reads, or `{$date}`. Undefined for anything else.
 */
export function dateOf(value: unknown): Date | undefined {
  if (value instanceof Date) return valid(value)
  if (typeof value === 'number') return valid(new Date(value))
  if (isComposite(value)) return '$date' in value ? dateOf(atPath(value, ['$date'])) : undefined
  if (typeof value !== 'string' || value.trim() === '' || value.length > MAX_TEXT) return undefined
  if (Number.isFinite(Number(value))) return valid(new Date(Number(value)))
  const iso = moment.utc(value, moment.ISO_8601, true)
  return valid(iso.isValid() ? iso.toDate() : new Date(value))
}

const valid = (date: Date) => (Number.isNaN(date.getTime()) ? undefined : date)
