/**
 * The hot table: states of devices in PostgreSQL, append-only, one row for each report. Reports of the same device and
 * millisecond are merged when read, attribute by attribute, the last write winning.
 */

import type { Readable } from 'node:stream'
import pg from 'pg'
import { writeRows } from '../../ground/write-rows.ts'
import type { Queryable, Transaction } from '../postgres/database.ts'
import { MAX_LIST_BYTES, type Slice, type StatesExport, type TimeRange, tooLong, USUAL_LEADING } from './slice.ts'
import type { StateValue, StoredState } from './states.ts'

/** Appends states; when it returns they are durable. */
export async function appendStates(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  states: readonly StoredState[],
): Promise<void> {
  if (states.length === 0) return
  // One JSON text: arrays of texts are escaped here and unescaped there, which doubled the time of 100 states.
  await db.query(
    `insert into hot_states (application_id, device_id, ts, doc)
     select $1, $2, (state -> 0)::bigint, state -> 1 from jsonb_array_elements($3::jsonb) as given (state)`,
    [applicationId, deviceId, JSON.stringify(states.map(({ ts, doc }) => [ts, doc]))],
  )
}

/** A device as it was read: its row, and which version of it (PostgreSQL's `xmin`, as text). */
export interface SeenDevice {
  readonly id: string
  readonly version: string
}

/**
 * As `appendStates`, unless the device has been changed or deleted since it was seen; says whether it stored. Until it is
 * durable whoever changes the device waits: what a change forgets does not come back from a report that was under way.
 */
export async function appendUnlessChanged(
  db: Queryable,
  applicationId: string,
  device: SeenDevice,
  states: readonly StoredState[],
): Promise<boolean> {
  const row = await db.one<{ count: number }>(
    `with device as materialized (
       select id from devices
       where id = $2 and application_id = $1 and deleted_at is null and xmin::text = $4 for share
     ), stored as (
       insert into hot_states (application_id, device_id, ts, doc)
       select $1, device.id, (state -> 0)::bigint, state -> 1
       from device, jsonb_array_elements($3::jsonb) as given (state)
     )
     select count(*)::integer as count from device`,
    [applicationId, device.id, JSON.stringify(states.map(({ ts, doc }) => [ts, doc])), device.version],
  )
  return row?.count === 1
}

/** What of the hot table has been forgotten, although a transaction that was under way wrote it afterwards. */
const NOT_FORGOTTEN = `not exists (select from tombstones t where t.application_id = hot_states.application_id and t.attributes is null
  and (t.device_id is null or t.device_id = hot_states.device_id) and hot_states.seq <= t.up_to_seq
  and (t.from_ts is null or hot_states.ts >= t.from_ts) and (t.to_ts is null or hot_states.ts < t.to_ts))`

/** Merged hot states of one device, at most `limit` of them. @throws invalid when they are too long together */
export async function readHotStates(
  db: Queryable,
  wanted: TimeRange & { applicationId: string; deviceId: string; newestFirst: boolean; limit: number },
): Promise<{ ts: number; doc: Record<string, StateValue> }[]> {
  const order = `order by ts ${wanted.newestFirst ? 'desc' : 'asc'}`
  const rows = await db.query<{ ts: number; doc: Record<string, StateValue>; is_cut: boolean }>(
    `with states as (
       select ts, jsonb_merge(doc order by seq) as doc from hot_states
       where application_id = $1 and device_id = $2 and ts >= $3 and ts < $4 and ${NOT_FORGOTTEN}
       group by ts ${order} limit $5
     ), sized as (
       select ts, doc, coalesce(sum(octet_length(doc::text)) over (${order} rows between unbounded preceding and 1 preceding), 0)
         as before from states
     )
     select ts, doc, (select max(before) from sized) > $6 as is_cut from sized where before <= $6 ${order}`,
    [wanted.applicationId, wanted.deviceId, wanted.from, wanted.to, wanted.limit, MAX_LIST_BYTES],
  )
  if (rows[0]?.is_cut) throw tooLong()
  return rows.map(({ ts, doc }) => ({ ts, doc }))
}

/** What reading the hot table has to know of the view it belongs to (view.ts). */
export interface HotView {
  readonly range: TimeRange
  readonly hotForgotten: boolean
}

/**
 * Writes merged hot states as CSV without a header, by device id, then time; the rows never become objects here. Texts of
 * values are taken in a query of their own, which `offset 0` keeps so: else they would be taken for every time they are
 * named. 10,000 rows of 5 attributes take 52 ms so, and took 125 ms with `csv_cell` alone.
 */
export function copyMergedCsv(tx: Transaction, slice: StatesExport, view: HotView): Readable {
  const texts = slice.attributes.map((name, index) => `, doc ->> ${text(name)} as t${index}`)
  const { id, date } = slice.leading ?? USUAL_LEADING
  const cells = [
    ...(id ? ['device_id'] : []),
    'ts',
    ...(date ? [ISO_DATE] : []),
    ...slice.attributes.map((name, index) => cellOf(name, `t${index}`)),
  ]
  return tx.copyTo(`copy (
    select ${cells.join(', ')}
    from (
      select device_id, ts, doc${texts.join('')}
      from (
        select device_id collate "C" as device_id, ts, jsonb_merge(doc order by seq) as doc from hot_states
        where ${inSlice(slice, view)} group by 1, 2
      ) merged
      offset 0
    ) read
    order by device_id, ts
  ) to stdout (format csv)`)
}

/** The odd microsecond keeps the zeros of the milliseconds. In this way a time takes half as long as by to_char. */
const ISO_DATE = `left(to_json(timestamp '1970-01-01 00:00:00.000001' + ts * interval '1 millisecond') #>> '{}', 23) || 'Z'`

/**
 * What `csv_cell` gives, which is only asked where it could differ from the text of the value: truths, numbers with a
 * fraction that ends in zeros, long ones, and those near to zero. The first two branches, for texts that begin like none
 * of those and for short numbers from 1, decide what most values are by what is quickest to ask: 46 ms instead of 51.
 */
const cellOf = (name: string, t: string) => `case
  when ascii(${t}) > 57 and ascii(${t}) <> 102 and ascii(${t}) <> 116 then ${t}
  when ascii(${t}) between 49 and 57 and octet_length(${t}) <= 15 and right(${t}, 1) <> '0' then ${t}
  when ${t} in ('true', 'false') or right(${t}, 1) = '0' and strpos(${t}, '.') > 0
    or length(${t}) > 15 and strpos(${t}, '.') not between 2 and 16
    or starts_with(${t}, '0.0000') or starts_with(${t}, '-0.0000')
  then csv_cell(doc -> ${text(name)}) else ${t} end`

/**
 * Writes hot reports to a file for DuckDB: seq, device, time, and each attribute as the JSON of its value. Tabs and
 * control characters never stand in what jsonb prints, so that nothing has to be quoted.
 */
export async function copyReports(
  tx: Transaction,
  slice: Slice,
  view: HotView,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const cells = slice.attributes.map((name) => `, doc -> ${text(name)}`)
  const rows = tx.copyTo(`copy (
    select seq, device_id, ts${cells.join('')} from hot_states where ${inSlice(slice, view)}
  ) to stdout (${UNQUOTED})`)
  await writeRows(rows, file, signal)
}

/** All hot reports of an application up to a seq, those that were forgotten left out: seq, device, time, document. */
export async function copyForSealing(
  tx: Transaction,
  { applicationId, toSeq, from }: { applicationId: string; toSeq: number; from: number },
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = tx.copyTo(`copy (
    select seq, device_id, ts, doc from hot_states
    where application_id = ${text(applicationId)} and seq <= ${toSeq} and ts >= ${from} and ${NOT_FORGOTTEN}
  ) to stdout (${UNQUOTED})`)
  await writeRows(rows, file, signal)
}

const UNQUOTED = `format csv, delimiter E'\\t', quote E'\\x01'`

const text = (value: string) => pg.escapeLiteral(value)
const texts = (values: readonly string[]) => `array[${values.map(text).join(', ')}]::text[]`

/** COPY takes no parameters, so every value is written as an escaped literal. */
const inSlice = ({ applicationId, deviceIds, attributes }: Slice, { range, hotForgotten }: HotView) =>
  `application_id = ${text(applicationId)} and device_id = any (${texts(deviceIds)})
   and ts >= ${range.from} and ts < ${range.to} and doc ?| ${texts(attributes)}${hotForgotten ? ` and ${NOT_FORGOTTEN}` : ''}`
