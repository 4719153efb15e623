/** The last values that devices reported: composite states, and the answer to a last value query. */

import type { CompositeState } from '../../contract/composite-states.ts'
import type { Device } from '../../contract/devices.ts'
import type { LastValueQuery, LastValues } from '../../contract/time-series.ts'
import { invalid } from '../ground/errors.ts'
import { boundedSql, exceeds } from '../stores/telemetry/columns.ts'
import { latestColumns, latestSql } from '../stores/telemetry/latest.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'
import { chooseFew } from './device-choice.ts'
import { getDevice, listDevices } from './devices.ts'
import type { ListQuery, Page } from './listing.ts'
import { reportedValues, valueAt } from './reported-values.ts'
import { type Bounds, bodyBounds, boundsOf } from './time-range.ts'
import type { SeriesParts } from './time-series.ts'

const MAX_TEXT_BYTES = 16 * 2 ** 20

export interface CompositeQuery {
  readonly start?: string
  readonly end?: string
  /** Names separated by commas. */
  readonly attributes?: string
}

/** The composite state of a device in a range of time, from the beginning to now unless said otherwise. @throws notFound */
export async function compositeState(
  { db, telemetry }: SeriesParts,
  applicationId: string,
  deviceId: string,
  query: CompositeQuery,
  now: Date,
): Promise<CompositeState> {
  const device = await getDevice(db, applicationId, deviceId)
  const states = await latestValues(telemetry, applicationId, [device], namesOf(query), compositeBounds(query, now))
  return states.get(device.id) ?? {}
}

export interface CompositePage extends Omit<Page<unknown>, 'items' | 'filter' | 'filterField'> {
  readonly items: { readonly id: string; readonly name: string; readonly compositeState: CompositeState }[]
  readonly query?: unknown
}

/** The same for a page of the devices of an application that `within`, the device that asks, may see. @throws invalid naming a fault of the query */
export async function compositeStates(
  { db, telemetry }: SeriesParts,
  applicationId: string,
  query: CompositeQuery & Pick<ListQuery, 'sortField' | 'sortDirection' | 'page' | 'perPage'> & { query?: unknown },
  now: Date,
  within?: string,
): Promise<CompositePage> {
  const { start: _start, end: _end, attributes: _attributes, ...order } = query
  const page = await listDevices(db, applicationId, order, { within })
  const bounds = compositeBounds(query, now)
  const states = await latestValues(telemetry, applicationId, page.items, namesOf(query), bounds)
  return {
    ...page,
    items: page.items.map(({ id, name }) => ({ id, name, compositeState: states.get(id) ?? {} })),
  }
}

const namesOf = ({ attributes }: CompositeQuery) =>
  attributes
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const compositeBounds = ({ start, end }: CompositeQuery, now: Date): Bounds =>
  boundsOf({ start: start || '1', end: end || '0' }, now)

/**
 * The last value of an attribute of each chosen device that has one, up to a moment; without an attribute the newest
 * state of each; of those that `within`, the device that asks, may see. @throws invalid naming the fault
 */
export async function lastValues(
  { db, telemetry }: SeriesParts,
  applicationId: string,
  query: LastValueQuery,
  now: Date,
  within?: string,
): Promise<LastValues> {
  const to = bodyBounds({ end: query.end }, now, 'query').to + 1
  const devices = await chooseFew(db, applicationId, query, within)
  const only = query.attribute === undefined ? undefined : [query.attribute]
  const states = await latestValues(telemetry, applicationId, devices, only, { from: undefined, to })
  return Object.fromEntries([...states].map(([id, state]) => [id, newestOf(state)]))
}

/** Of a composite state what was reported last. */
function newestOf(state: CompositeState): LastValues[string] {
  const values = Object.entries(state)
  const time = values.reduce((newest, [, one]) => (one.time > newest ? one.time : newest), '')
  return {
    time,
    data: Object.fromEntries(values.filter(([, one]) => one.time === time).map(([name, { value }]) => [name, value])),
  }
}

interface LatestRow {
  readonly device_id: string
  readonly nth: number
  readonly bytes: number
  readonly [column: string]: unknown
}

/** Devices without any value are left out. */
async function latestValues(
  telemetry: Telemetry,
  applicationId: string,
  devices: readonly Device[],
  only: readonly string[] | undefined,
  bounds: Bounds,
): Promise<Map<string, CompositeState>> {
  const values = reportedValues(devices, only, only ? 'attributes' : 'perPage or attributes')
  if (values.columns.length === 0) return new Map()
  const slice = { applicationId, deviceIds: devices.map(({ id }) => id), attributes: values.attributes, ...bounds }
  const texts = values.columns.flatMap(({ kind }, index) => (kind === 'text' ? [latestColumns(index).value] : []))
  const most = { rows: devices.length, textBytes: MAX_TEXT_BYTES }
  const rows = await telemetry.query<LatestRow>(slice, (source) =>
    boundedSql(latestSql(values.columns, source), texts, false, most),
  )
  if (exceeds(rows, most)) {
    throw invalid(
      `The answer would hold more than ${MAX_TEXT_BYTES / 2 ** 20} MiB of text; ask for fewer devices or attributes`,
    )
  }
  const byId = new Map(devices.map((device) => [device.id, device]))
  return new Map(
    rows.flatMap((row) => {
      const device = byId.get(row.device_id)
      const state = device ? toState(row, values.of(device)) : {}
      return Object.keys(state).length === 0 ? [] : [[row.device_id, state] as const]
    }),
  )
}

function toState(row: LatestRow, own: readonly { attribute: string; place: number }[]): CompositeState {
  return Object.fromEntries(
    own.flatMap(({ attribute, place }) => {
      const { value, time } = latestColumns(place)
      const [found, at] = [valueAt(row, value), valueAt(row, time)]
      return found === undefined ? [] : [[attribute, { value: found, time: new Date(Number(at)).toISOString() }]]
    }),
  )
}
