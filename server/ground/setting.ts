/** What a setting is, and how the text of one is read: numbers in a range, words, sizes, durations, addresses. */

export interface Entry<T> {
  readonly name: string
  readonly default: string
  readonly says: string
  readonly expects: string
  readonly secret?: boolean
  readonly parse: (text: string) => T
}

export const text = (value: string) => value

export function integer(from: number, to: number) {
  return (value: string) => {
    const number = Number(value)
    if (!Number.isInteger(number) || number < from || number > to) throw new Error('not in range')
    return number
  }
}

export function number(from: number, to: number) {
  return (value: string) => {
    const parsed = Number(value)
    if (!(parsed >= from && parsed <= to)) throw new Error('not in range')
    return parsed
  }
}

export function oneOf<const T extends string>(...words: T[]) {
  return (value: string): T => {
    const found = words.find((word) => word === value)
    if (!found) throw new Error('not one of them')
    return found
  }
}

const SIZES: Record<string, number> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}
const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function withUnit(units: Record<string, number>) {
  return (value: string): number => {
    const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(value)
    const [, amount = '', unit = ''] = match ?? []
    const result = Math.round(Number(amount) * (Object.hasOwn(units, unit) ? (units[unit] ?? 0) : Number.NaN))
    if (!match || !Number.isSafeInteger(result)) throw new Error('no such unit, or too large')
    return result
  }
}

/** Bytes of a text such as `32MB`. */
export const size = withUnit(SIZES)
/** Milliseconds of a text such as `15m`. */
export const duration = withUnit(DURATIONS)

/** The same, refused outside of a range. */
export function durationBetween(fromMs: number, toMs: number) {
  return (value: string) => {
    const ms = duration(value)
    if (ms < fromMs || ms > toMs) throw new Error('not in range')
    return ms
  }
}

/** So many in so long, of a text such as `100/10s`; undefined for `off`. */
export function rate(value: string): { readonly limit: number; readonly windowMs: number } | undefined {
  if (value === 'off') return undefined
  const [limit = '', time = ''] = value.split('/')
  const windowMs = durationBetween(1000, 86_400_000)(time)
  return { limit: integer(1, 1_000_000_000)(limit), windowMs }
}

export function httpUrl(value: string): string | undefined {
  if (!value) return undefined
  const url = new URL(value)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('not http')
  return value.replace(/\/+$/, '')
}

export function databaseUrl(value: string): string | undefined {
  if (value && !/^postgres(?:ql)?:\/\//.test(value)) throw new Error('not postgres')
  return value || undefined
}

export const A_SIZE = 'a size such as 512MB'
export const A_RATE = 'a number and a time as 100/10s, from 1s to 1d, or off'
export const A_DURATION = 'a duration such as 30s, 15m or 7d'

export const entry = <T>(e: Entry<T>): Entry<T> => e
