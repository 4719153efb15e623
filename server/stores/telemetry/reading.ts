/** Brings what a slice needs within DuckDB's reach: files of segments, and the hot reports of the same moment. */

import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unavailable } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { DuckDb, DuckSession } from '../duckdb/duckdb.ts'
import { literal } from '../duckdb/sql.ts'
import type { Database, Transaction } from '../postgres/database.ts'
import { copyReports } from './hot.ts'
import type { Sorting } from './order.ts'
import { cell, type HotTable, type LocalSegment, type Sources } from './relation.ts'
import { blobOf, type Segment } from './segments.ts'
import { KINDS, type Kind, type Slice } from './slice.ts'
import { type Keeping, openView, type View } from './view.ts'

export interface Readers {
  readonly db: Database
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  /** A folder of this process, for files of a moment. */
  readonly scratch: string
  readonly keeping: Keeping
  /** When rows by device and time are sorted, and how many at once; see order.ts. */
  readonly sorting?: Sorting | undefined
}

export interface Reading {
  readonly duck: DuckSession
  readonly view: View
  readonly segments: readonly LocalSegment[]
}

/** A file that vanished between the look at the catalogue and its borrowing has been replaced: look again. */
const LOOKS = 5

/**
 * Looks at the catalogue and calls `inSnapshot`, which reads what it needs of the hot table in the same moment; when it
 * gives a value that is the result. Otherwise calls `work`, with the files of the segments at hand.
 */
export async function readSlice<T>(
  readers: Readers,
  slice: Omit<Slice, 'attributes'>,
  signal: AbortSignal,
  inSnapshot: (tx: Transaction, view: View) => Promise<{ value: T } | undefined>,
  work: (reading: Reading) => Promise<T>,
): Promise<T> {
  for (let look = 1; look <= LOOKS; look += 1) {
    signal.throwIfAborted()
    await using stack = new AsyncDisposableStack()
    const seen = await readers.db
      .transaction(
        async (tx) => {
          const view = await openView(tx, slice, readers.keeping)
          return { view, done: await inSnapshot(tx, view) }
        },
        { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: 0 },
      )
      .catch((error) => {
        signal.throwIfAborted() // a COPY that is stopped takes its session along, and that is what the error says
        throw error
      })
    if (seen.done) return seen.done.value
    const segments = await borrowAll(readers.blobs, seen.view.segments, stack)
    if (segments) return await readers.duckdb.session(signal, (duck) => work({ duck, view: seen.view, segments }))
  }
  throw unavailable('The files of the states asked for were replaced again and again; try again')
}

/**
 * Calls `work` with segments and hot reports of a slice as sources. `hotOnly` is asked first when nothing sealed is
 * needed; the reading is then done without DuckDB.
 */
export async function readSources<T>(
  readers: Readers,
  slice: Slice,
  signal: AbortSignal,
  work: (reading: Reading & { sources: Sources }) => Promise<T>,
  hotOnly?: (tx: Transaction, view: View) => Promise<T>,
): Promise<T> {
  const file = join(readers.scratch, `${newId()}.tsv`)
  try {
    return await readSlice(
      readers,
      slice,
      signal,
      async (tx, view) => {
        if (view.segments.length === 0 && hotOnly) return { value: await hotOnly(tx, view) }
        await copyReports(tx, slice, view, file, signal)
        return undefined
      },
      async (reading) => {
        const hot = await loadReports(reading.duck, slice.attributes, file)
        const { segments, view } = reading
        return work({
          ...reading,
          sources: { attributes: slice.attributes, segments, tombstones: view.tombstones, hot },
        })
      },
    )
  } finally {
    await rm(file, { force: true })
  }
}

/** The files of the segments, until the stack is disposed; undefined when one is not there any more. */
export async function borrowAll(
  blobs: Blobs,
  segments: readonly Segment[],
  stack: AsyncDisposableStack,
): Promise<LocalSegment[] | undefined> {
  const found: LocalSegment[] = []
  for (const segment of segments) {
    const file = await blobs.borrow(blobOf(segment))
    if (!file) return undefined
    found.push({ segment, path: stack.use(file).path })
  }
  return found
}

/** The reports as a table with typed columns, or undefined when there are none. */
async function loadReports(
  duck: DuckSession,
  attributes: readonly string[],
  file: string,
): Promise<HotTable | undefined> {
  if ((await stat(file)).size === 0) return undefined
  const raw = attributes.map((_, index) => `'j${index}': 'varchar'`)
  const columns = [`'seq': 'bigint'`, `'device_id': 'varchar'`, `'ts': 'bigint'`, ...raw]
  const cells = attributes.flatMap((_, index) =>
    KINDS.map((kind) => `${fromJson[kind](`j${index}`)} as ${cell(index, kind)}`),
  )
  await duck.run(`create temp table hot as select ${['seq', 'device_id', 'ts', ...cells].join(', ')}
    from ${reportsFile(file, columns)}`)
  return measureReports(duck, attributes)
}

/** What the temporary table `hot` holds, reports with a typed column for each attribute and kind; undefined when nothing. */
export async function measureReports(duck: DuckSession, attributes: readonly string[]): Promise<HotTable | undefined> {
  const counts = attributes.flatMap((_, index) =>
    KINDS.map((kind) => `count(${cell(index, kind)}) as ${cell(index, kind)}`),
  )
  // The names are those asked for in the line above.
  const [row] = await duck.rows<Record<string, number> & { first_device: string; last_device: string }>(
    `select ${[
      'count(*) as rows',
      'min(device_id) as first_device',
      'max(device_id) as last_device',
      'min(ts) as min_ts',
      'max(ts) as max_ts',
      ...counts,
    ].join(', ')} from hot`,
  )
  if (!row || row['rows'] === 0) return undefined
  return {
    table: 'hot',
    rows: row['rows'] ?? 0,
    firstDevice: row.first_device,
    lastDevice: row.last_device,
    minTs: row['min_ts'] ?? 0,
    maxTs: row['max_ts'] ?? 0,
    kinds: attributes.map((_, index) => KINDS.filter((kind) => (row[cell(index, kind)] ?? 0) > 0)),
  }
}

/** A file written by `copyReports` or `copyForSealing` as a relation; `columns` with their types. */
export const reportsFile = (file: string, columns: readonly string[]) =>
  `read_csv(${literal(file)}, auto_detect = false, header = false, delim = '\\t', quote = '', escape = '',
    max_line_size = ${LONGEST_REPORT}, buffer_size = ${2 * LONGEST_REPORT}, columns = {${columns.join(', ')}})`

/** Texts of one report have 2 MiB (states.ts), and each of their bytes six as JSON. */
const LONGEST_REPORT = 16 * 2 ** 20

/** A value that stands as JSON in a column, if it is of the kind; else null. */
export const fromJson: Record<Kind, (column: string) => string> = {
  number: (column) => `case when ${column}[1] not in ('"', 't', 'f') then ${column}::double end`,
  text: (column) => `case when ${column}[1] = '"' then json_extract_string(${column}, '$') end`,
  boolean: (column) => `case ${column} when 'true' then true when 'false' then false end`,
}
