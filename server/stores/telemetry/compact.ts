/** Compaction: segments are merged into fewer and larger ones, without what was forgotten of them. */

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../../ground/ids.ts'
import type { DuckSession } from '../duckdb/duckdb.ts'
import { list } from '../duckdb/sql.ts'
import { borrowAll } from './reading.ts'
import { kindsOf, type LocalSegment, relationOf } from './relation.ts'
import { type Segment, type Tombstone, touches } from './segments.ts'
import { retentionStart } from './view.ts'
import { type NewSegment, recordSegments, type Writers, writeSegment } from './writing.ts'

/**
 * Rows of one file, six row groups: sorted at once, and skipped as a whole by readers of other devices. DuckDB skips row
 * groups by the first eight signs of a device alone, which ids made at the same time have in common; the catalogue knows
 * all of them. Ten of 1,000 devices with 10 million rows: 24 ms of files with a million rows, 15 ms of these.
 */
const FILE_ROWS = 122_880

/** What compaction read of the catalogue, in one moment. */
export interface Catalogue {
  readonly applicationId: string
  readonly tombstones: readonly Tombstone[]
}

/**
 * Replaces the segments by ones that hold the same states, merged and sorted, files divided between devices, without
 * what the tombstones forget and what is older than the retention. Gives how many there are now; undefined when the
 * catalogue changed meanwhile, and nothing was done. `members` are whole runs, or a single segment.
 */
export async function compactSegments(
  writers: Writers,
  { applicationId, tombstones }: Catalogue,
  members: readonly Segment[],
  signal: AbortSignal,
  fileRows = FILE_ROWS,
): Promise<number | undefined> {
  const folder = join(writers.scratch, `compact-${newId()}`)
  await mkdir(folder)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const forgottenTo = Math.max(0, ...tombstones.map(({ id }) => id))
  const from = await retentionStart(writers.db, applicationId, writers.keeping)
  const local = await borrowAll(writers.blobs, members, stack)
  if (!local) throw new Error(`A file of the segments ${members.map(({ id }) => id).join(', ')} is missing`)
  await writers.step('looked')
  const facts = { applicationId, toSeq: Math.max(...members.map(({ toSeq }) => toSeq)), forgottenTo }
  const made = await writers.duckdb.session(signal, async (duck) => {
    const ranges = await deviceRanges(duck, local, fileRows)
    const files: NewSegment[] = []
    for (const between of ranges) {
      const part = local.filter(({ segment }) => segment.firstDevice <= between[1] && segment.lastDevice >= between[0])
      const attributes = attributesOf(part)
      const sources = {
        attributes,
        segments: part,
        tombstones: tombstones.filter((one) => part.some(({ segment }) => touches(one, segment))),
        hot: undefined,
      }
      const relation = relationOf(sources, { from, to: Number.MAX_SAFE_INTEGER, between })
      const kinds = attributes.map((_, index) => kindsOf(sources, index))
      const file = await writeSegment(duck, { relation, attributes, kinds }, facts, folder)
      if (file) files.push(file)
    }
    return files
  })
  await writers.step('written')
  const done = await recordSegments(writers, applicationId, made, forgottenTo, async (tx) => {
    const ids = members.map(({ id }) => id)
    const gone = await tx.query('delete from segments where id = any ($1::text[]) returning id', [ids])
    return gone.length === ids.length
  })
  return done ? made.length : undefined
}

const attributesOf = (part: readonly LocalSegment[]) =>
  [...new Set(part.flatMap(({ segment }) => segment.columns.map(({ attribute }) => attribute)))].sort()

/** Devices in ranges of about so many rows; a device is never divided. */
async function deviceRanges(
  duck: DuckSession,
  local: readonly LocalSegment[],
  fileRows: number,
): Promise<[string, string][]> {
  const rows = await duck.rows<{ first: string; last: string }>(`
    select min(device) as first, max(device) as last from (
      select device, (sum(n) over (order by device) - n) // ${fileRows} as range from (
        select device, count(*) as n from read_parquet(${list(local.map(({ path }) => path))}, union_by_name = true)
        group by device))
    group by range order by first`)
  return rows.map(({ first, last }) => [first, last])
}
