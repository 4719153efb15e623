/** What a reader sees: the catalogue and the hot rows of one moment. */

import type { Queryable } from '../postgres/database.ts'
import {
  type Segment,
  type SegmentRow,
  type Tombstone,
  type TombstoneRow,
  toSegment,
  toTombstone,
  touches,
} from './segments.ts'
import { rangeOf, type Slice, type TimeRange } from './slice.ts'

export interface View {
  /** Those that may hold something of the slice, earlier ones first. */
  readonly segments: readonly Segment[]
  /** Those that may touch one of the segments. */
  readonly tombstones: readonly Tombstone[]
  /** Whether hot reports of the slice may have been forgotten: looking each of them up costs a sixth of reading it. */
  readonly hotForgotten: boolean
  /** What was asked for, without what retention hides. */
  readonly range: TimeRange
}

export interface Keeping {
  readonly now: () => Date
  /** How long states are kept in applications that say nothing of their own; undefined is for ever. */
  readonly retentionMs: number | undefined
}

/** The catalogue as the snapshot of `tx` shows it; hot rows read in the same transaction are of the same moment. */
export async function openView(tx: Queryable, slice: Omit<Slice, 'attributes'>, keeping: Keeping): Promise<View> {
  const asked = rangeOf(slice)
  const row = await tx.one<ViewRow>(
    `select
       (select retention_ms from telemetry where application_id = $1) as retention,
       (select coalesce(jsonb_agg(s order by to_seq, id), '[]') from segments s
        where application_id = $1 and max_ts >= $3 and min_ts < $4
          and exists (select from unnest($2::text[]) as d (id) where d.id between first_device and last_device)) as segments,
       (select coalesce(jsonb_agg(t order by id), '[]') from tombstones t
        where application_id = $1 and (device_id is null or device_id = any ($2::text[]))) as tombstones`,
    [slice.applicationId, slice.deviceIds, asked.from, asked.to],
  )
  const range = { from: Math.max(asked.from, startOf(row?.retention ?? null, keeping)), to: asked.to }
  const segments = (row?.segments ?? []).map(toSegment).filter(({ maxTs }) => maxTs >= range.from)
  const tombstones = (row?.tombstones ?? []).map(toTombstone)
  return {
    segments,
    tombstones: tombstones.filter((tombstone) => segments.some((segment) => touches(tombstone, segment))),
    hotForgotten: tombstones.some(({ attributes }) => attributes === null),
    range,
  }
}

interface ViewRow {
  readonly retention: number | null
  readonly segments: readonly SegmentRow[]
  readonly tombstones: readonly TombstoneRow[]
}

/** The time before which states of an application are not kept. */
export async function retentionStart(db: Queryable, applicationId: string, keeping: Keeping): Promise<number> {
  const row = await db.one<{ retention: number | null }>(
    'select retention_ms as retention from telemetry where application_id = $1',
    [applicationId],
  )
  return startOf(row?.retention ?? null, keeping)
}

/** `own` is the application's: null as the installation says, 0 for ever. */
function startOf(own: number | null, { now, retentionMs }: Keeping): number {
  const kept = own === null ? retentionMs : own || undefined
  return kept === undefined ? -Number.MAX_SAFE_INTEGER : now().getTime() - kept
}
