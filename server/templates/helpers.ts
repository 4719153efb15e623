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
  add: (a: unknown, b: unknown) => number(a) + number(b),
  subtract: (a: unknown, b: unknown) => number(a) - number(b),
  multiply: (a: unknown, b: unknown) => number(a) * number(b),
  divide: (a: unknown, b: unknown) => number(a) / number(b),
  ceil: (a: unknown) => Math.ceil(number(a)),
  floor: (a: unknown) => Math.floor(number(a)),
  upper: (value: unknown) => text(value).toUpperCase(),
  lower: (value: unknown) => text(value).toLowerCase(),
  trim: (value: unknown) => text(value).trim(),
  substring: (value: unknown, start: unknown, end: unknown) =>
    text(value).slice(number(start), typeof end === 'number' ? end : undefined),
  defaultTo: (value: unknown, fallback: unknown) => value ?? fallback,
  encodeURIComponent: (value: unknown) => encodeURIComponent(text(value)),
  jsonEncode: (value: unknown) => JSON.stringify(value) ?? '',
  formatDate,
  currentDateTime: (format: unknown) => formatDate(Date.now(), format),
}
