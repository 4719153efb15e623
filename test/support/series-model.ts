/** What a time series has to be, in plain code over plain lists: the model that DuckDB's answers are compared with. */

import assert from 'node:assert/strict'
import type { TimeSeries, TimeSeriesQuery } from '../../contract/time-series.ts'
import type { Doc } from './history.ts'

export type Told = [ts: number, doc: Doc]
type Points = TimeSeries['devices'][string]['points']
type Value = Doc[string]

/** The points of one device from its reports in the order they came. */
export function naiveSeries(told: readonly Told[], query: TimeSeriesQuery, now: Date): Points {
  const end = absolute(query.end ?? 0, now)
  const start = query.start === undefined ? end - (query.duration ?? 0) : absolute(query.start, now)
  const step = query.resolution === undefined ? end - start : Math.floor(query.resolution)
  const merged = new Map<number, Doc>()
  for (const [ts, doc] of told) merged.set(ts, { ...merged.get(ts), ...doc })
  const states = [...merged].sort(([a], [b]) => a - b)
  const inRange = states.filter(([ts]) => ts >= start && ts < end)
  const { aggregation = 'MEAN' } = query
  if (aggregation === 'NONE') return toPoints(new Map(inRange))
  if (typeof aggregation === 'object') return held(states, aggregation.options?.value, { start, end, step, now })
  const groups = Map.groupBy(inRange, ([ts]) => start + Math.floor((ts - start) / step) * step)
  return toPoints(new Map([...groups].map(([time, of]) => [time, summed(of, aggregation)])))
}

const absolute = (value: number, now: Date) => (value > 0 ? value : now.getTime() + value)

const toPoints = (docs: ReadonlyMap<number, Doc>): Points =>
  [...docs]
    .filter(([, data]) => Object.keys(data).length > 0)
    .sort(([a], [b]) => a - b)
    .map(([ts, data]) => ({ time: new Date(ts).toISOString(), data }))

function summed(states: readonly Told[], word: string): Doc {
  const names = new Set(states.flatMap(([, doc]) => Object.keys(doc)))
  return Object.fromEntries(
    [...names].flatMap((name): [string, Value][] => {
      const values = states.flatMap(([, doc]) => (doc[name] === undefined ? [] : [doc[name]]))
      const value = reduced(values, word)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function reduced(values: readonly Value[], word: string): Value | undefined {
  if (word === 'FIRST') return values[0]
  if (word === 'LAST') return values.at(-1)
  if (word === 'COUNT') return values.length
  if (values.some((value) => typeof value === 'string')) return undefined
  const numbers = values.map(Number).sort((a, b) => a - b)
  const sum = numbers.reduce((total, number) => total + number, 0)
  const mean = sum / numbers.length
  const middle = (numbers.length - 1) / 2
  switch (word) {
    case 'MAX':
      return numbers.at(-1)
    case 'MIN':
      return numbers[0]
    case 'SUM':
      return sum
    case 'MEAN':
      return mean
    case 'MEDIAN':
      return ((numbers[Math.floor(middle)] ?? 0) + (numbers[Math.ceil(middle)] ?? 0)) / 2
    case 'STD_DEV':
      return Math.sqrt(numbers.reduce((total, number) => total + (number - mean) ** 2, 0) / numbers.length)
    default:
      throw new Error(word)
  }
}

/** Millisecond by millisecond would be the plainest; this goes from report to report, and from stretch to stretch. */
function held(
  states: readonly Told[],
  wanted: Value | undefined,
  { start, end, step, now }: { start: number; end: number; step: number; now: Date },
): Points {
  const points = new Map<number, Doc>()
  const until = Math.min(end, now.getTime())
  for (const name of new Set(states.flatMap(([, doc]) => Object.keys(doc)))) {
    const own = states.filter(([, doc]) => doc[name] !== undefined)
    own.forEach(([ts, doc], index) => {
      if (String(doc[name]) !== String(wanted)) return
      const [from, to] = [Math.max(ts, start), Math.min(own[index + 1]?.[0] ?? until, until)]
      for (let time = start + Math.floor((from - start) / step) * step; time < to && from < to; time += step) {
        const known = points.get(time) ?? {}
        points.set(time, {
          ...known,
          [name]: Number(known[name] ?? 0) + Math.min(to, time + step) - Math.max(from, time),
        })
      }
    })
  }
  return toPoints(points)
}

/** Equal, but that a number may differ in what rounding leaves of it. */
export function closeTo(actual: Points | undefined, expected: Points, message: string): void {
  const plain = (points: Points | undefined, round: boolean) =>
    points?.map(({ time, data }) => [
      time,
      Object.entries(data)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [name, round && typeof value === 'number' ? 0 : value]),
    ])
  assert.deepEqual(plain(actual, true), plain(expected, true), message)
  actual?.forEach(({ data }, index) => {
    for (const [name, value] of Object.entries(data)) {
      const other = expected[index]?.data[name]
      if (typeof value !== 'number' || typeof other !== 'number') continue
      const off = Math.abs(value - other)
      assert.ok(off <= 1e-9 * Math.max(1, Math.abs(other)), `${message}: ${name} is ${value}, not ${other}`)
    }
  })
}
