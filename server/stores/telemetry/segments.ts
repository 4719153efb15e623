/** The catalogue of sealed states: which files there are, what is in them, and what of it has been forgotten since. */

import type { Queryable } from '../postgres/database.ts'
import type { Kind, TimeRange } from './slice.ts'

/** A column of a segment: the values an attribute had that were of this kind. */
export interface SegmentColumn {
  readonly attribute: string
  readonly kind: Kind
  /** Whether all of its numbers are whole and below 10^15. */
  readonly whole: boolean
}

export interface Segment {
  readonly id: string
  readonly applicationId: string
  /** Not less than the seq of any report in it; of two segments with the same device and time the greater is the later. */
  readonly toSeq: number
  readonly firstDevice: string
  readonly lastDevice: string
  readonly minTs: number
  readonly maxTs: number
  readonly rows: number
  /** How many devices have states in it; files of older versions say 1, which never promises too little. */
  readonly devices: number
  readonly bytes: number
  readonly columns: readonly SegmentColumn[]
  /** The newest tombstone when it was written: what was to be forgotten until then is not in it. */
  readonly forgottenTo: number
}

/** What is to be forgotten of reports with a seq up to `upToSeq`: of one device or of all, in a range of time. */
export interface Tombstone extends TimeRange {
  readonly id: number
  readonly deviceId: string | null
  /** null for all of them. */
  readonly attributes: readonly string[] | null
  readonly upToSeq: number
}

/** Where the file of a segment is kept among the blobs. */
export const blobOf = (segment: Pick<Segment, 'id' | 'applicationId'>) =>
  `telemetry/${segment.applicationId}/${segment.id}.parquet`

/**
 * The name of a column in the files. DuckDB ignores the case of names, so capitals are marked: `Temp` is `n:^temp`; of
 * what names are not made of by contract any character may stand, as its code.
 */
export const columnName = (attribute: string, kind: Kind) =>
  `${kind[0]}:${attribute.replaceAll(/[^a-z0-9_-]/gu, (sign) =>
    /[A-Z]/.test(sign) ? `^${sign.toLowerCase()}` : `$${sign.codePointAt(0)?.toString(16)}.`,
  )}`

export interface SegmentRow {
  id: string
  application_id: string
  to_seq: number
  first_device: string
  last_device: string
  min_ts: number
  max_ts: number
  rows: number
  devices: number | null
  bytes: number
  columns: SegmentColumn[]
  forgotten_to: number
}

export const toSegment = (row: SegmentRow): Segment => ({
  id: row.id,
  applicationId: row.application_id,
  toSeq: row.to_seq,
  firstDevice: row.first_device,
  lastDevice: row.last_device,
  minTs: row.min_ts,
  maxTs: row.max_ts,
  rows: row.rows,
  devices: row.devices ?? 1,
  bytes: row.bytes,
  columns: row.columns,
  forgottenTo: row.forgotten_to,
})

export interface TombstoneRow {
  id: number
  device_id: string | null
  from_ts: number | null
  to_ts: number | null
  attributes: string[] | null
  up_to_seq: number
}

export const toTombstone = (row: TombstoneRow): Tombstone => ({
  id: row.id,
  deviceId: row.device_id,
  from: row.from_ts ?? -Number.MAX_SAFE_INTEGER,
  to: row.to_ts ?? Number.MAX_SAFE_INTEGER,
  attributes: row.attributes,
  upToSeq: row.up_to_seq,
})

/**
 * Whether something of the segment could be what the tombstone forgets. One that came after the segment was written
 * forgets of all of its reports: none of them has a greater seq.
 */
export const touches = (tombstone: Tombstone, segment: Segment) =>
  tombstone.id > segment.forgottenTo &&
  segment.maxTs >= tombstone.from &&
  segment.minTs < tombstone.to &&
  (tombstone.deviceId === null ||
    (tombstone.deviceId >= segment.firstDevice && tombstone.deviceId <= segment.lastDevice))

/** All segments of an application. */
export async function listSegments(db: Queryable, applicationId: string): Promise<Segment[]> {
  const rows = await db.query<SegmentRow>('select * from segments where application_id = $1 order by to_seq, id', [
    applicationId,
  ])
  return rows.map(toSegment)
}

/** All tombstones of an application. */
export async function listTombstones(db: Queryable, applicationId: string): Promise<Tombstone[]> {
  const rows = await db.query<TombstoneRow>('select * from tombstones where application_id = $1 order by id', [
    applicationId,
  ])
  return rows.map(toTombstone)
}
