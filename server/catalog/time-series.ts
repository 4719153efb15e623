/** Time series: what chosen devices reported in a range of time, put together by DuckDB in stretches of it. */

import type { Device } from '../../contract/devices.ts'
import type { AggregationChoice, TimeSeries, TimeSeriesQuery } from '../../contract/time-series.ts'
import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { boundedSql, exceeds } from '../stores/telemetry/columns.ts'
import { type Aggregation, type Series, seriesColumn, seriesSql } from '../stores/telemetry/series.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'
import { chooseFew } from './device-choice.ts'
import { type ReportedValues, reportedValues, valueAt } from './reported-values.ts'
import { bodyBounds, requireTime } from './time-range.ts'

/** Points of one device, as in the original. */
const MAX_LIMIT = 25_000
/** Of one answer, all devices together; fewer where points hold many values. */
const MAX_POINTS = 100_000
const MAX_VALUES = 1_000_000
const MAX_TEXT_BYTES = 16 * 2 ** 20

export interface SeriesParts {
  readonly db: Queryable
  readonly telemetry: Telemetry
}

/**
 * Answers a time series query. Stretches are counted from the start, and a point's time is where its stretch begins; one
 * without reports has no point. Without a resolution the whole range is one. MEAN unless said otherwise.
 * Of devices that `within`, the device that asks, may not see nothing is told.
 * @throws invalid when the question makes no sense, or its answer would be larger than what one may hold
 */
export async function timeSeries(
  { db, telemetry }: SeriesParts,
  applicationId: string,
  query: TimeSeriesQuery,
  now: Date,
  within?: string,
): Promise<TimeSeries> {
  const { from, to } = rangeOf(query, now)
  const devices = await chooseFew(db, applicationId, query, within)
  const values = reportedValues(devices, query.attributes, 'query.attributes')
  const series: Series = {
    columns: values.columns,
    aggregation: aggregationOf(query.aggregation),
    start: from ?? 1,
    end: to,
    resolution: query.resolution === undefined ? undefined : Math.floor(query.resolution),
    newestFirst: query.order === 'desc',
    limit: Math.min(MAX_LIMIT, Math.floor(query.limit ?? MAX_LIMIT)),
  }
  const rows = await rowsOf(telemetry, { applicationId, from, to }, devices, values, series, now)
  return {
    start: new Date(series.start).toISOString(),
    end: new Date(to).toISOString(),
    resolution: series.aggregation.type === 'NONE' ? null : (series.resolution ?? null),
    aggregation: query.aggregation ?? 'MEAN',
    limit: query.limit ?? null,
    order: query.order ?? 'asc',
    devices: toDevices(devices, values, rows),
  }
}

function rangeOf(query: TimeSeriesQuery, now: Date) {
  const { from, to } = bodyBounds(query, now, 'query')
  const isOpen = query.start === undefined && query.duration !== undefined
  if (!isOpen) return { from, to }
  const start = Math.ceil(to - (query.duration ?? 0))
  requireTime(start, 'the start that query.duration leads to')
  return { from: start, to }
}

function aggregationOf(choice: AggregationChoice = 'MEAN'): Aggregation {
  if (typeof choice === 'string') return { type: choice }
  const value = choice.options?.value
  if (choice.type !== 'TIMEATVALUE') {
    if (value !== undefined) throw invalid(`query.aggregation.options.value is for TIMEATVALUE, not for ${choice.type}`)
    return { type: choice.type }
  }
  if (value === undefined) throw invalid('query.aggregation.options.value is required')
  return { type: choice.type, value }
}

interface SeriesRow {
  readonly device_id: string
  readonly ts: number
  readonly nth: number
  readonly bytes: number
  readonly [column: string]: unknown
}

async function rowsOf(
  telemetry: Telemetry,
  range: { applicationId: string; from: number | undefined; to: number },
  devices: readonly Device[],
  { attributes, columns }: ReportedValues,
  series: Series,
  now: Date,
): Promise<SeriesRow[]> {
  if (devices.length === 0 || columns.length === 0) return []
  const isHeld = series.aggregation.type === 'TIMEATVALUE'
  if (isHeld) requireFewStretches(series, range.from)
  const slice = {
    ...range,
    deviceIds: devices.map(({ id }) => id),
    attributes,
    // What held at the start may have been reported at any time before; what holds after now nobody knows.
    ...(isHeld ? { from: undefined } : {}),
  }
  const asked = isHeld ? { ...series, end: Math.min(series.end, now.getTime()) } : series
  const bounds = { rows: Math.min(MAX_POINTS, Math.floor(MAX_VALUES / columns.length)), textBytes: MAX_TEXT_BYTES }
  const rows = await telemetry.query<SeriesRow>(slice, (source) =>
    boundedSql(seriesSql(asked, source), textColumns(asked), asked.newestFirst, bounds),
  )
  if (exceeds(rows, bounds)) {
    throw invalid(
      `query asks for more than ${bounds.rows} points or ${MAX_TEXT_BYTES / 2 ** 20} MiB of text; a limit, fewer devices or attributes, a shorter range or a coarser resolution make it less`,
    )
  }
  return rows
}

function requireFewStretches({ start, end, resolution }: Series, from: number | undefined): void {
  if (resolution === undefined) return
  if (from === undefined) throw invalid('query.start or query.duration is required with TIMEATVALUE and a resolution')
  if ((end - start) / resolution > MAX_LIMIT) {
    throw invalid(`query.resolution must be at least ${Math.ceil((end - start) / MAX_LIMIT)} ms for this range`)
  }
}

/** Those whose answers can be long: first, last and raw values of texts. */
function textColumns({ aggregation, columns }: Series): string[] {
  if (!['NONE', 'FIRST', 'LAST'].includes(aggregation.type)) return []
  return columns.flatMap(({ kind }, index) => (kind === 'text' ? [seriesColumn(index)] : []))
}

function toDevices(
  devices: readonly Device[],
  values: ReportedValues,
  rows: readonly SeriesRow[],
): TimeSeries['devices'] {
  const byDevice = Map.groupBy(rows, ({ device_id }) => device_id)
  return Object.fromEntries(
    devices.map((device) => {
      const own = values.of(device)
      const points = (byDevice.get(device.id) ?? []).flatMap((row) => {
        const data = own.flatMap(({ attribute, place }): [string, string | number | boolean][] => {
          const value = valueAt(row, seriesColumn(place))
          return value === undefined ? [] : [[attribute, value]]
        })
        return data.length === 0 ? [] : [{ time: new Date(row.ts).toISOString(), data: Object.fromEntries(data) }]
      })
      return [device.id, { name: device.name, tags: tagsOf(device), points }]
    }),
  )
}

const tagsOf = ({ tags }: Device) =>
  Object.fromEntries([...Map.groupBy(tags, ({ key }) => key)].map(([key, of]) => [key, of.map(({ value }) => value)]))
