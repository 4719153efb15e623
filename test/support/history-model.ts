/**
 * What telemetry is to do, in the plainest way: a map for each device from time to document. And the commands a property
 * test does to both, so that they can be compared.
 */

import fc from 'fast-check'
import type { Doc } from './history.ts'

export const DEVICES = ['a', 'b', 'c'].map((letter) => letter.repeat(24))
export const ATTRIBUTES = ['a', 'A', 'b', 'c-d']
const DAY = 86_400_000
/** Within one day, at its edges, in another one, before 1970 and far away. */
export const TIMES = [0, 1, 2, 5, DAY - 1, DAY, DAY + 1, 3 * DAY, 40 * DAY, -1, -DAY, -DAY - 1, 8.64e15, -8.64e15]

export interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export class Model {
  readonly #states = new Map<string, Map<number, Doc>>(DEVICES.map((device) => [device, new Map()]))
  #retentionMs = 0
  now = 0

  write(device: string, reports: readonly (readonly [number, Doc])[]): void {
    const states = this.#of(device)
    for (const [ts, doc] of reports) states.set(ts, { ...states.get(ts), ...doc })
  }

  forget(devices: readonly string[], range: Range): void {
    for (const device of devices) {
      const states = this.#of(device)
      for (const ts of [...states.keys()]) if (isIn(ts, range)) states.delete(ts)
    }
  }

  forgetAttributes(device: string, attributes: readonly string[]): void {
    const states = this.#of(device)
    for (const [ts, doc] of [...states]) {
      const left = Object.entries(doc).filter(([name]) => !attributes.includes(name))
      if (left.length > 0) states.set(ts, Object.fromEntries(left))
      else states.delete(ts)
    }
  }

  setRetention(ms: number): void {
    this.forget(DEVICES, { to: this.#start() })
    this.#retentionMs = ms
  }

  /** The states that have any of the attributes, by device and time. */
  read(devices: readonly string[], attributes: readonly string[], range: Range): [string, number, Doc][] {
    const start = this.#start()
    return [...new Set(devices)].sort().flatMap((device) =>
      [...this.#of(device)]
        .filter(([ts, doc]) => ts >= start && isIn(ts, range) && attributes.some((name) => Object.hasOwn(doc, name)))
        .sort(([a], [b]) => a - b)
        .map(([ts, doc]): [string, number, Doc] => [device, ts, doc]),
    )
  }

  csv(devices: readonly string[], attributes: readonly string[], range: Range): string {
    const lines = this.read(devices, attributes, range).map(([device, ts, doc]) =>
      [device, ts, ...attributes.map((name) => cellOf(doc[name]))].join(','),
    )
    return [`${['ID', 'Timestamp', ...attributes].join(',')}`, ...lines, ''].join('\n')
  }

  #of(device: string): Map<number, Doc> {
    const states = this.#states.get(device)
    if (!states) throw new Error(`${device} is no device of the model`)
    return states
  }

  #start = () => (this.#retentionMs === 0 ? Number.NEGATIVE_INFINITY : this.now - this.#retentionMs)
}

const isIn = (ts: number, { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: Range) =>
  ts >= from && ts < to

/** Python's repr without `.0`, for the numbers of VALUES. */
const NUMBERS = new Map([
  [1e21, '1e+21'],
  [1.5e-7, '1.5e-07'],
  [1e15, '1000000000000000'],
  [1e16, '1e+16'],
  [1234567890123456.5, '1234567890123456.5'],
])

/** The text of a value, before it is quoted for CSV. */
export function textOf(value: Doc[string]): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'number' ? (NUMBERS.get(value) ?? String(value)) : value
}

function cellOf(value: Doc[string] | undefined): string {
  if (value === undefined) return ''
  const text = textOf(value)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const VALUES: Doc[string][] = [
  0,
  1,
  -2.5,
  0.1,
  true,
  false,
  '',
  'x',
  '7',
  'true',
  'say "hi",\nyou\r',
  '\\N',
  '🌍 é',
  '\t',
]

const device = fc.constantFrom(...DEVICES)
const devices = fc.uniqueArray(device, { minLength: 1, maxLength: 3 })
const attribute = fc.constantFrom(...ATTRIBUTES)
/** Mostly in one day, so that reports meet. */
const time = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TIMES.slice(0, 4)) },
  { weight: 3, arbitrary: fc.constantFrom(...TIMES) },
)
const value = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.constantFrom(...NUMBERS.keys()) },
)
const doc = fc.dictionary(attribute, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true })
const bound = fc.option(time, { nil: undefined })
const range = fc.record({ from: bound, to: bound })

export type Command =
  | { kind: 'write'; device: string; reports: [number, Doc][] }
  | { kind: 'forget'; devices: string[]; range: Range }
  | { kind: 'forgetAttributes'; device: string; attributes: string[] }
  | { kind: 'retention'; ms: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'seal' }
  | { kind: 'compact' }
  | { kind: 'read'; devices: string[]; attributes: string[]; range: Range }

const write = fc.record({
  kind: fc.constant('write' as const),
  device,
  reports: fc.array(fc.tuple(time, doc), { minLength: 1, maxLength: 6 }),
})
const read = fc.record({
  kind: fc.constant('read' as const),
  devices,
  attributes: fc.uniqueArray(attribute, { minLength: 1 }),
  range,
})

export const commands = fc.array(
  fc.oneof(
    { weight: 14, arbitrary: write },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('seal' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
    { weight: 4, arbitrary: read },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const), devices, range }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('forgetAttributes' as const),
        device,
        attributes: fc.uniqueArray(attribute, { minLength: 1, maxLength: 2 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('retention' as const), ms: fc.constantFrom(0, 3, DAY, 3 * DAY) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 3, DAY) }) },
  ),
  { minLength: 3, maxLength: 24, size: 'max' },
)
