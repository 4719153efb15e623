/**
 * The states of a slice as one SQL relation: segments and hot reports, merged attribute by attribute where they can
 * overlap. Pure: text in, text out.
 */

import { identifier, list, literal } from '../duckdb/sql.ts'
import { columnName, type Segment, type Tombstone, touches } from './segments.ts'
import { KINDS, type Kind, type TimeRange } from './slice.ts'

/** A segment with its file on this machine. */
export interface LocalSegment {
  readonly segment: Segment
  readonly path: string
}

/** Hot reports in a table of the session: seq, device_id, ts, and `cell` columns for each attribute by its place. */
export interface HotTable {
  readonly table: string
  readonly rows: number
  readonly firstDevice: string
  readonly lastDevice: string
  readonly minTs: number
  readonly maxTs: number
  /** The kinds of each attribute, by its place. */
  readonly kinds: readonly (readonly Kind[])[]
}

export interface Sources {
  readonly attributes: readonly string[]
  readonly segments: readonly LocalSegment[]
  readonly tombstones: readonly Tombstone[]
  readonly hot: HotTable | undefined
}

/** Which rows of the sources. */
export interface Wanted extends TimeRange {
  /** Sorted; undefined for all that there are. */
  readonly deviceIds?: readonly string[] | undefined
  /** The first and the last of a range of devices. */
  readonly between?: readonly [string, string] | undefined
  /** The rows are to come in the order in which they stand in the files. */
  readonly asInFiles?: boolean
}

/** The column of an attribute, by its place, for one kind of value. */
export const cell = (index: number, kind: Kind) => `${kind[0]}${index}`

/** The kinds an attribute has in any of the sources. */
export function kindsOf({ attributes, segments, hot }: Sources, index: number): Kind[] {
  const found = new Set<Kind>(hot?.kinds[index] ?? [])
  for (const { segment } of segments) {
    for (const column of segment.columns) if (column.attribute === attributes[index]) found.add(column.kind)
  }
  return KINDS.filter((kind) => found.has(kind))
}

/**
 * Rows `device_id, ts` and a `cell` column for each attribute and kind it has, one row for each device and time, in no
 * order unless nothing had to be merged, where it is that of the segments given. At most one kind of an attribute has a
 * value in a row. Rows without any of the attributes are among them.
 */
export function relationOf(sources: Sources, wanted: Wanted): string {
  const kinds = sources.attributes.map((_, index) => kindsOf(sources, index))
  if (isPlain(sources)) return scan(sources, sources.segments, kinds, wanted, undefined)
  const parts = groupByRank(sources.segments).map((run) =>
    scan(sources, run, kinds, wanted, run[0]?.segment.toSeq ?? 0),
  )
  if (sources.hot) parts.push(scanHot(sources.hot, kinds, wanted))
  return merged(parts.join('\nunion all '), kinds)
}

/** Whether the rows of the files are the rows of the relation: nothing to merge, nothing to leave out file by file. */
export const isPlain = ({ hot, segments, tombstones }: Sources) => !hot && tombstones.length === 0 && !overlap(segments)

/** The last value of each attribute, whatever its kind, by rank. */
function merged(parts: string, kinds: readonly (readonly Kind[])[]): string {
  const last = kinds.flatMap((of, index) => {
    const names = of.map((kind) => cell(index, kind))
    const [only] = names
    if (only === undefined) return []
    if (names.length === 1) return [`arg_max(${only}, rank) as ${only}`]
    const value = `arg_max({${names.map((name) => `${name}: ${name}`).join(', ')}}, rank)
      filter (${names.map((name) => `${name} is not null`).join(' or ')})`
    return [`${value} as v${index}`]
  })
  const cells = kinds.flatMap((of, index) =>
    of.map((kind) => (of.length === 1 ? cell(index, kind) : `v${index}.${cell(index, kind)} as ${cell(index, kind)}`)),
  )
  return `select ${['device_id', 'ts', ...cells].join(', ')} from (
    select ${['device_id', 'ts', ...last].join(', ')} from (${parts}) group by device_id, ts)`
}

/** Files of segments read as one; with a rank, as its last column, when the rows are to be merged. */
function scan(
  { attributes, tombstones }: Sources,
  run: readonly LocalSegment[],
  kinds: readonly (readonly Kind[])[],
  wanted: Wanted,
  rank: number | undefined,
): string {
  const touching = tombstones.filter((tombstone) => run.some(({ segment }) => touches(tombstone, segment)))
  const present = new Set(
    run.flatMap(({ segment }) => segment.columns.map(({ attribute, kind }) => columnName(attribute, kind))),
  )
  const cells = attributes.flatMap((attribute, index) =>
    (kinds[index] ?? []).map((kind) => {
      const column = columnName(attribute, kind)
      const value = present.has(column) ? identifier(column) : `null::${TYPES[kind]}`
      return `${remembered(value, attribute, touching)} as ${cell(index, kind)}`
    }),
  )
  const columns = ['device as device_id', 'ts', ...cells, ...(rank === undefined ? [] : [`${rank}::bigint as rank`])]
  if (run.length === 0) return `${nothing(kinds, rank !== undefined)}`
  const conditions = [
    ...inWanted('device', run, wanted),
    ...alike(touching.filter(({ attributes: of }) => of === null)).map((tombstones) => `not (${where(tombstones)})`),
  ]
  return `select ${columns.join(', ')} from read_parquet(${list(run.map(({ path }) => path))}, union_by_name = true)
    ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}`
}

function scanHot(hot: HotTable, kinds: readonly (readonly Kind[])[], wanted: Wanted): string {
  const cells = kinds.flatMap((of, index) =>
    of.map((kind) =>
      hot.kinds[index]?.includes(kind) ? cell(index, kind) : `null::${TYPES[kind]} as ${cell(index, kind)}`,
    ),
  )
  const conditions = inWanted('device_id', [], wanted)
  return `select ${['device_id', 'ts', ...cells, 'seq as rank'].join(', ')} from ${hot.table}
    where ${conditions.join(' and ')}`
}

export const TYPES: Record<Kind, string> = { number: 'double', text: 'varchar', boolean: 'boolean' }

const nothing = (kinds: readonly (readonly Kind[])[], ranked: boolean) =>
  `select ${[
    'null::varchar as device_id',
    'null::bigint as ts',
    ...kinds.flatMap((of, index) => of.map((kind) => `null::${TYPES[kind]} as ${cell(index, kind)}`)),
    ...(ranked ? ['0::bigint as rank'] : []),
  ].join(', ')} where false`

/** Conditions that every row of the files meets are left out: they cost, and a list of devices costs the order. */
function inWanted(device: string, run: readonly LocalSegment[], wanted: Wanted): string[] {
  const { deviceIds, between, from, to } = wanted
  const conditions: string[] = []
  if (run.length === 0 || run.some(({ segment }) => segment.minTs < from)) conditions.push(`ts >= ${from}`)
  if (run.length === 0 || run.some(({ segment }) => segment.maxTs >= to)) conditions.push(`ts < ${to}`)
  if (deviceIds) conditions.push(devicesIn(device, deviceIds, wanted.asInFiles === true))
  if (between) conditions.push(`${device} between ${literal(between[0])} and ${literal(between[1])}`)
  return conditions
}

/**
 * Bounds beside the list, because only bounds are compared with what row groups say of themselves. DuckDB makes a join of
 * `in`, after which rows come in any order; the others are filters, which leave them as they are. Looked up in the list
 * is each device of a row group once, so that a tenth of 200 devices took 177 ms; a cast that fails for the other nine
 * took 553, but a longer list costs it nothing.
 */
function devicesIn(device: string, deviceIds: readonly string[], asInFiles: boolean): string {
  const [first = '', last = ''] = [deviceIds[0], deviceIds.at(-1)]
  if (deviceIds.length === 1) return `${device} = ${literal(first)}`
  const among = asInFiles
    ? lookUp(device, deviceIds, MOST_LISTED)
    : `${device} in (${deviceIds.map(literal).join(', ')})`
  return `${device} between ${literal(first)} and ${literal(last)} and ${among}`
}

/** Looking up takes time in proportion to the list: 10 µs for a device that is not in one of 2,000. */
const MOST_LISTED = 2000

function lookUp(device: string, deviceIds: readonly string[], mostListed: number): string {
  const texts = deviceIds.map(literal).join(', ')
  return deviceIds.length > mostListed
    ? `try_cast(${device} as enum(${texts})) is not null`
    : `list_contains([${texts}], ${device})`
}

/**
 * The rows that tombstones mean which differ in nothing but their devices. All files of a run have one rank, so that they
 * may be applied to all of them.
 */
function where(tombstones: readonly Tombstone[]): string {
  const [{ from, to } = { from: 0, to: 0 }] = tombstones
  const devices = new Set(tombstones.flatMap(({ deviceId }) => deviceId ?? []))
  const isOfAll = tombstones.some(({ deviceId }) => deviceId === null)
  const device = isOfAll ? '' : `${lookUp('device', [...devices], MOST_FORGOTTEN_LISTED)} and `
  return `${device}ts >= ${from} and ts < ${to}`
}

/** Here nearly every row is of a device that is not in the list. */
const MOST_FORGOTTEN_LISTED = 200

/**
 * Tombstones of one range together: a removal writes one for each of its devices, and a condition for each of a thousand
 * took 2 s for 200,000 rows.
 */
const alike = (tombstones: readonly Tombstone[]) => [
  ...Map.groupBy(tombstones, ({ from, to }) => `${from} ${to}`).values(),
]

/** A value without what was forgotten of its attribute alone. */
function remembered(value: string, attribute: string, tombstones: readonly Tombstone[]): string {
  const own = tombstones.filter(({ attributes }) => attributes?.includes(attribute))
  return own.length === 0 ? value : `case when not (${alike(own).map(where).join(') and not (')}) then ${value} end`
}

function groupByRank(segments: readonly LocalSegment[]): LocalSegment[][] {
  return [...Map.groupBy(segments, ({ segment }) => segment.toSeq).values()]
}

/** Whether two of the segments may hold the same device and time. Those of one rank never do. */
export function overlap(segments: readonly LocalSegment[]): boolean {
  return segments.some(({ segment: a }, index) =>
    segments.slice(index + 1).some(({ segment: b }) => a.toSeq !== b.toSeq && boxesMeet(a, b)),
  )
}

/** Whether the boxes of device and time that two segments lie in have something in common. */
export const boxesMeet = (a: Segment, b: Segment) =>
  a.firstDevice <= b.lastDevice && b.firstDevice <= a.lastDevice && a.minTs <= b.maxTs && b.minTs <= a.maxTs
