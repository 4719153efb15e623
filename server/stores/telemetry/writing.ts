/**
 * Puts new segments where they can be found, in an order that a death at any point leaves right: first it is written
 * down which files will be made, then they are made, then one transaction makes them segments and takes away what they
 * replace. What was written down and never became a segment is garbage.
 */

import { rm, stat } from 'node:fs/promises'
import { newId } from '../../ground/ids.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { DuckDb, DuckSession } from '../duckdb/duckdb.ts'
import { identifier, literal } from '../duckdb/sql.ts'
import type { Database, Queryable } from '../postgres/database.ts'
import { cell } from './relation.ts'
import { blobOf, columnName, type Segment, type SegmentColumn } from './segments.ts'
import type { Kind } from './slice.ts'
import { lockForgetting } from './tombstones.ts'
import type { Keeping } from './view.ts'

export interface Writers {
  readonly db: Database
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  readonly scratch: string
  readonly keeping: Keeping
  /** Called after each step, by its name; tests stop or kill here. */
  readonly step: (name: Step) => Promise<void>
}

/** What happens between a look at the catalogue and its change, in order. */
export type Step = 'looked' | 'written' | 'promised' | 'stored' | 'changing' | 'changed'

/** A file that is to become a segment. */
export interface NewSegment {
  readonly segment: Segment
  readonly path: string
}

/**
 * Writes rows of a relation (device_id, ts, cells) as the file of a segment, sorted; undefined when there are none.
 * Small row groups: a reader of one device skips the others.
 */
export async function writeSegment(
  duck: DuckSession,
  rows: { relation: string; attributes: readonly string[]; kinds: readonly (readonly Kind[])[] },
  facts: Pick<Segment, 'applicationId' | 'toSeq' | 'forgottenTo'>,
  folder: string,
): Promise<NewSegment | undefined> {
  const id = newId()
  const path = `${folder}/${id}.parquet`
  const columns = rows.attributes.flatMap((attribute, index) =>
    (rows.kinds[index] ?? []).map((kind) => ({
      attribute,
      kind,
      cell: cell(index, kind),
      name: columnName(attribute, kind),
    })),
  )
  if (columns.length === 0) return undefined
  await duck.run(`copy (
    select device_id as device, ts, ${columns.map((column) => `${column.cell} as ${identifier(column.name)}`).join(', ')}
    from (${rows.relation}) where ${columns.map((column) => `${column.cell} is not null`).join(' or ')}
    order by device_id, ts
  ) to ${literal(path)} (format parquet, compression zstd, row_group_size ${ROW_GROUP})`)
  const counts = columns.flatMap(({ kind, name }, index) => [
    `count(${identifier(name)}) as c${index}`,
    `${kind === 'number' ? `bool_and(${isWhole(identifier(name))})` : 'false'} as w${index}`,
  ])
  // The names are those of the select list.
  const [found] = await duck.rows<Record<string, number | boolean> & { first_device: string; last_device: string }>(
    `select count(*) as rows, count(distinct device) as devices, min(device) as first_device, max(device) as last_device, min(ts) as min_ts,
       max(ts) as max_ts, ${counts.join(', ')} from read_parquet(${literal(path)})`,
  )
  if (!found || found['rows'] === 0) {
    await rm(path)
    return undefined
  }
  const kept = columns.flatMap(({ attribute, kind }, index): SegmentColumn[] =>
    found[`c${index}`] === 0 ? [] : [{ attribute, kind, whole: found[`w${index}`] === true }],
  )
  const segment: Segment = {
    ...facts,
    id,
    firstDevice: found.first_device,
    lastDevice: found.last_device,
    minTs: Number(found['min_ts']),
    maxTs: Number(found['max_ts']),
    rows: Number(found['rows']),
    devices: Number(found['devices']),
    bytes: (await stat(path)).size,
    columns: kept,
  }
  return { segment, path }
}

/** A multiple of DuckDB's vectors of 2,048 values. */
const ROW_GROUP = 20_480

const isWhole = (value: string) => `${value} = trunc(${value}) and abs(${value}) < 1e15`

/**
 * Keeps the files as blobs and calls `change` in the transaction that makes them segments; false when the catalogue has
 * changed so that they must not be: something was forgotten meanwhile, or `change` says so. They are garbage then.
 */
export async function recordSegments(
  { db, blobs, step }: Writers,
  applicationId: string,
  made: readonly NewSegment[],
  forgottenTo: number,
  change: (tx: Queryable) => Promise<boolean>,
): Promise<boolean> {
  const ids = made.map(({ segment }) => segment.id)
  await db.query(
    'insert into segment_garbage (id, application_id) select id, $1 from unnest($2::text[]) as given (id)',
    [applicationId, ids],
  )
  await step('promised')
  for (const { segment, path } of made) await blobs.putFile(blobOf(segment), path)
  await step('stored')
  try {
    await db.transaction(
      async (tx) => {
        // Before anything else: who deletes the application would wait for us while we wait for him.
        const there = await tx.one('select from applications where id = $1 for key share', [applicationId])
        if (!there) throw new Outdated()
        await lockForgetting(tx, applicationId)
        if ((await newestTombstone(tx, applicationId)) !== forgottenTo) throw new Outdated()
        const promised = await tx.query(
          'delete from segment_garbage where id = any ($1::text[]) and not doomed returning id',
          [ids],
        )
        if (promised.length !== ids.length) throw new Outdated()
        if (!(await change(tx))) throw new Outdated()
        await insertSegments(tx, made)
        await step('changing')
      },
      { statementTimeoutMs: CHANGE_LIMIT_MS },
    )
  } catch (error) {
    if (error instanceof Outdated) return false
    throw error
  }
  await step('changed')
  return true
}

/** Rolls the transaction back: what was read before is not what there is now. */
class Outdated extends Error {}

/** A million hot rows are deleted in a second or two. */
const CHANGE_LIMIT_MS = 300_000

/** The number of the newest tombstone of an application, 0 when it has none. */
export async function newestTombstone(db: Queryable, applicationId: string): Promise<number> {
  const row = await db.one<{ id: number }>(
    'select coalesce(max(id), 0) as id from tombstones where application_id = $1',
    [applicationId],
  )
  return row?.id ?? 0
}

async function insertSegments(tx: Queryable, made: readonly NewSegment[]): Promise<void> {
  const rows = made.map(({ segment }) => ({
    id: segment.id,
    application_id: segment.applicationId,
    to_seq: segment.toSeq,
    first_device: segment.firstDevice,
    last_device: segment.lastDevice,
    min_ts: segment.minTs,
    max_ts: segment.maxTs,
    rows: segment.rows,
    devices: segment.devices,
    bytes: segment.bytes,
    forgotten_to: segment.forgottenTo,
    columns: segment.columns,
    created_at: new Date(),
  }))
  await tx.query('insert into segments select * from jsonb_populate_recordset(null::segments, $1::jsonb)', [
    JSON.stringify(rows),
  ])
}
