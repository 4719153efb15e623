/**
 * Time series as DuckDB's SQL: the merged states of a slice, put together by device and stretch of time. Pure: text in,
 * text out. Every series gives rows `device_id, ts` and one column for each value, `v0` and so on.
 */

import { literal } from '../duckdb/sql.ts'
import { sqlOf, type ValueColumn } from './columns.ts'
import type { SliceSource } from './query.ts'
import type { Kind } from './slice.ts'

export type NumberAggregation = 'MAX' | 'MIN' | 'MEAN' | 'MEDIAN' | 'SUM' | 'STD_DEV'
export type Aggregation =
  | { readonly type: 'NONE' | 'FIRST' | 'LAST' | 'COUNT' | NumberAggregation }
  | { readonly type: 'TIMEATVALUE'; readonly value: string | number | boolean }

export interface Series {
  readonly columns: readonly ValueColumn[]
  readonly aggregation: Aggregation
  /** Epoch ms where the first stretch begins; states before it count too when the slice has any. */
  readonly start: number
  /** Epoch ms, exclusive: what a value that holds on is counted up to. */
  readonly end: number
  /** Length of a stretch in ms; undefined for one stretch of the whole range. */
  readonly resolution: number | undefined
  readonly newestFirst: boolean
  /** Points of one device at most. */
  readonly limit: number
}

/** The columns of a series by place. */
export const seriesColumn = (index: number) => `v${index}`

/** The statement's rows come in no order. */
export function seriesSql(series: Series, source: SliceSource): string {
  const points = pointsOf(series, source)
  const order = `ts ${series.newestFirst ? 'desc' : 'asc'}`
  return `select * from (${points}) qualify row_number() over (partition by device_id order by ${order}) <= ${series.limit}`
}

function pointsOf(series: Series, source: SliceSource): string {
  const { aggregation, columns } = series
  if (aggregation.type === 'TIMEATVALUE') return timesAtValue(series, aggregation.value, source)
  const values = columns.map((column, index) => {
    const value = sqlOf(source, column)
    const sql = aggregation.type === 'NONE' ? value : AGGREGATES[aggregation.type](value, column.kind)
    return `${sql} as ${seriesColumn(index)}`
  })
  const any = columns.map((_, index) => `${seriesColumn(index)} is not null`).join(' or ') || 'false'
  const time = aggregation.type === 'NONE' ? 'ts' : stretchOf('ts', series)
  const group = aggregation.type === 'NONE' ? '' : 'group by all'
  return `select * from (
    select ${['device_id', `${time} as ts`, ...values].join(', ')} from ${source.rows} ${group}) where ${any}`
}

/** When the stretch that a time lies in begins. Times before the start count backwards from it. */
function stretchOf(ts: string, { start, resolution }: Series): string {
  if (resolution === undefined) return `${start}::bigint`
  return `(${start} + floor((${ts} - ${start}) / ${resolution})::bigint * ${resolution})::bigint`
}

/** Of values that are no numbers there is no mean; true is 1 then, and a text is nothing. */
const asNumber = (value: string, kind: Kind) =>
  kind === 'number' ? value : kind === 'boolean' ? `${value}::integer::double` : 'null::double'

const ofNumbers = (aggregate: (number: string) => string) => (value: string, kind: Kind) =>
  // A sum may leave what a double holds, and JSON has no word for that.
  finite(aggregate(asNumber(value, kind)))

const finite = (number: string) => `case when isfinite(${number}) then ${number} end`

/** Of a sum or mean the rounding errors are carried along, so that the order of the rows hardly matters. */
const AGGREGATES: Record<
  Exclude<Aggregation['type'], 'NONE' | 'TIMEATVALUE'>,
  (value: string, kind: Kind) => string
> = {
  FIRST: (value) => `arg_min(${value}, ts) filter (where ${value} is not null)`,
  LAST: (value) => `arg_max(${value}, ts) filter (where ${value} is not null)`,
  COUNT: (value) => `nullif(count(${value}), 0)`,
  MAX: ofNumbers((number) => `max(${number})`),
  MIN: ofNumbers((number) => `min(${number})`),
  MEAN: ofNumbers((number) => `favg(${number})`),
  MEDIAN: ofNumbers((number) => `median(${number})`),
  SUM: ofNumbers((number) => `fsum(${number})`),
  // Of the whole population, as the original has it. Beyond 1e150 a square is no double any more, which is an error there.
  STD_DEV: ofNumbers((number) => `stddev_pop(case when abs(${number}) < 1e150 then ${number} end)`),
}

/**
 * For how many milliseconds of each stretch a device was at the value: from a report of it to the next report of the
 * attribute. The slice has to reach back before the start as far as the value that held then may have been reported.
 */
function timesAtValue(series: Series, value: string | number | boolean, source: SliceSource): string {
  const held = series.columns.map((column, index) => {
    const wanted = comparable(value, column.kind)
    const name = sqlOf(source, column)
    return `select device_id, ${index} as place, greatest(ts, ${series.start}) as since, least(until, ${series.end}) as until
      from (select device_id, ts, ${name} as value,
          lead(ts, 1, ${series.end}::bigint) over (partition by device_id order by ts) as until
        from states where ${name} is not null)
      where ${wanted === undefined ? 'false' : `value = ${literal(wanted)}`} and until > ${series.start}`
  })
  const step = series.resolution ?? series.end - series.start
  const sums = series.columns.map(
    (_, index) =>
      `sum(least(until, ts + ${step}) - greatest(since, ts)) filter (where place = ${index})::double as ${seriesColumn(index)}`,
  )
  return `with states as materialized (select * from ${source.rows}),
    held as (${held.join(' union all ') || 'select null as device_id, 0 as place, 0 as since, 0 as until where false'}),
    stretches as (select *, unnest(generate_series(${stretchOf('since', series)}, until - 1, ${step}::bigint)) as ts
      from held where until > since)
    select device_id, ts${sums.map((sum) => `, ${sum}`).join('')} from stretches group by device_id, ts`
}

/** The value as the kind has it, as when it is reported; undefined when it is none. */
function comparable(value: string | number | boolean, kind: Kind): string | number | boolean | undefined {
  if (kind === 'text') return String(value)
  if (kind === 'number') return value !== '' && Number.isFinite(Number(value)) ? Number(value) : undefined
  if (value === true || value === 1 || value === 'true' || value === '1') return true
  if (value === false || value === 0 || value === 'false' || value === '0') return false
  return undefined
}
