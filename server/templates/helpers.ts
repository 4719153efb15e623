/**
 * The Handlebars helpers of the original that names and destinations are made with (behaviour dossier §5): text,
 * numbers, JSON and dates. Every helper takes what it is given and never throws for a missing value.
 */

type Options = { fn?: (context: unknown) => string; inverse?: (context: unknown) => string }

const text = (value: unknown) => (value === undefined || value === null ? '' : String(value))
const number = (value: unknown) => Number(value)

/** As a block it chooses between its two parts, inline it gives true or false. */
function condition(this: unknown, holds: boolean, options: Options): string | boolean {
  if (!options.fn) return holds
  return holds ? options.fn(this) : (options.inverse?.(this) ?? '')
}

const comparison = (compare: (a: unknown, b: unknown) => boolean) =>
  function (this: unknown, a: unknown, b: unknown, options: Options) {
    return condition.call(this, compare(a, b), options)
  }

/** Handlebars hands its options to every helper as the last argument; a value that was left out must not become them. */
const plain =
  (compute: (...values: unknown[]) => unknown) =>
  (...given: unknown[]) =>
    compute(...given.slice(0, -1))

/** Date parts in UTC, the pieces of Moment's format strings that file names are made of. */
const DATE_PARTS: Record<string, (date: Date) => string> = {
  YYYY: (date) => String(date.getUTCFullYear()),
  YY: (date) => String(date.getUTCFullYear()).slice(-2),
  MM: (date) => two(date.getUTCMonth() + 1),
  DD: (date) => two(date.getUTCDate()),
  HH: (date) => two(date.getUTCHours()),
  mm: (date) => two(date.getUTCMinutes()),
  ss: (date) => two(date.getUTCSeconds()),
  SSS: (date) => String(date.getUTCMilliseconds()).padStart(3, '0'),
  x: (date) => String(date.getTime()),
  X: (date) => String(Math.floor(date.getTime() / 1000)),
}

const two = (value: number) => String(value).padStart(2, '0')

/** The date in UTC: ISO 8601 without a format, else Moment's letters (`YYYY-MM-DD`, `x`), `[…]` kept as it is. */
function formatDate(value: unknown, format: unknown): string {
  const date = new Date(typeof value === 'number' ? value : text(value))
  if (Number.isNaN(date.getTime())) return ''
  if (typeof format !== 'string') return date.toISOString()
  return format.replace(/\[([^\]]*)\]|YYYY|YY|MM|DD|HH|mm|ss|SSS|x|X/g, (part, kept: string | undefined) =>
    kept === undefined ? (DATE_PARTS[part]?.(date) ?? part) : kept,
  )
}

export const helpers = {
  eq: comparison((a, b) => a === b),
  ne: comparison((a, b) => a !== b),
  gt: comparison((a, b) => number(a) > number(b)),
  gte: comparison((a, b) => number(a) >= number(b)),
  lt: comparison((a, b) => number(a) < number(b)),
  lte: comparison((a, b) => number(a) <= number(b)),
  add: plain((a, b) => number(a) + number(b)),
  subtract: plain((a, b) => number(a) - number(b)),
  multiply: plain((a, b) => number(a) * number(b)),
  divide: plain((a, b) => number(a) / number(b)),
  ceil: plain((a) => Math.ceil(number(a))),
  floor: plain((a) => Math.floor(number(a))),
  upper: plain((value) => text(value).toUpperCase()),
  lower: plain((value) => text(value).toLowerCase()),
  trim: plain((value) => text(value).trim()),
  substring: plain((value, start, end) => text(value).slice(number(start), typeof end === 'number' ? end : undefined)),
  defaultTo: plain((value, fallback) => value ?? fallback),
  encodeURIComponent: plain((value) => encodeURIComponent(text(value))),
  jsonEncode: plain((value) => JSON.stringify(value) ?? ''),
  formatDate: plain(formatDate),
  currentDateTime: plain((format) => formatDate(Date.now(), format)),
}
