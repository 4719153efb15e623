/**
 * The history of devices, as the rest of the service sees it: hot reports in PostgreSQL and sealed segments among the
 * blobs, read as one, merged for each device and millisecond attribute by attribute, the last write winning.
 */

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../../ground/ids.ts'
import type { Blobs } from '../blobs/blobs.ts'
import type { DuckDb } from '../duckdb/duckdb.ts'
import type { Database, Queryable } from '../postgres/database.ts'
import { exportStates } from './export.ts'
import { queryStates, type SliceSource } from './query.ts'
import type { Readers } from './reading.ts'
import { type MergedState, readStates, type StatesWanted } from './recent.ts'
import type { Slice, StatesExport } from './slice.ts'
import { forgetStates } from './tombstones.ts'

export interface Telemetry extends AsyncDisposable {
  /**
   * Merged states of devices as a file: CSV (`ID,Timestamp,<attributes>`) or Parquet, rows by device id, then time. A
   * state is a row when it has any of the attributes.
   */
  exportStates(wanted: StatesExport, file: string, signal: AbortSignal): Promise<void>
  /** Merged states of one device, newest or oldest first, at most `limit`. */
  readStates(wanted: StatesWanted, signal?: AbortSignal): Promise<MergedState[]>
  /** Rows of one DuckDB SELECT over the merged states of a slice; write values into it with `literal` of duckdb/sql.ts. */
  query<Row>(slice: Slice, toSql: (source: SliceSource) => string, signal?: AbortSignal): Promise<Row[]>
  /** Forgets states of devices in a range (all when open), also what is sealed; durable with `tx`. */
  forget(
    tx: Queryable,
    applicationId: string,
    deviceIds: readonly string[],
    range?: { readonly from?: number | undefined; readonly to?: number | undefined },
  ): Promise<void>
}

export interface TelemetryOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  /** Files of a moment go into a folder of our own in it. */
  readonly root: string
  /** How long states are kept where an application says nothing of its own; undefined is for ever. */
  readonly retentionMs?: number | undefined
  readonly now?: () => Date
  readonly log?: (event: string, fields: Record<string, unknown>) => void
}

/** A read for an answer over HTTP; exports bring their own signal. */
const READ_LIMIT_MS = 60_000

/** Makes the folder; nothing runs until the first read. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { db, blobs, duckdb, retentionMs, now = () => new Date() } = options
  const scratch = join(options.root, `telemetry-${newId()}`)
  await mkdir(scratch, { recursive: true })
  const readers: Readers = { db, blobs, duckdb, scratch, keeping: { now, retentionMs } }
  const limited = (signal: AbortSignal | undefined) =>
    AbortSignal.any([AbortSignal.timeout(READ_LIMIT_MS), ...(signal ? [signal] : [])])
  return {
    exportStates: (wanted, file, signal) => exportStates(readers, wanted, file, signal),
    readStates: (wanted, signal) => readStates(readers, wanted, limited(signal)),
    query: (slice, toSql, signal) => queryStates(readers, slice, toSql, limited(signal)),
    forget: forgetStates,
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }),
  }
}
