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
import { settledSeq } from './cut.ts'
import { exportStates } from './export.ts'
import type { Sorting } from './order.ts'
import { queryStates, type SliceSource } from './query.ts'
import type { Readers } from './reading.ts'
import { type MergedState, readStates, type StatesWanted } from './recent.ts'
import { describeHistory, type HistorySize, setRetention } from './settings.ts'
import type { Slice, StatesExport } from './slice.ts'
import { type Tending, tendApplication } from './tending.ts'
import { forgetStates } from './tombstones.ts'
import { openUpkeep } from './upkeep.ts'
import type { Writers } from './writing.ts'

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
  /** Sets how long states of an application are kept by their own time: null as the installation says, 0 for ever. */
  setRetention(tx: Queryable, applicationId: string, retentionMs: number | null): Promise<void>
  /** How much of an application's history is hot and how much is sealed. */
  describe(applicationId: string): Promise<HistorySize>
  /** Seals what is hot and compacts, now; false when another process is at it. */
  sealNow(applicationId: string, signal: AbortSignal, tending?: Partial<Tending>): Promise<boolean>
  /** Starts the job that seals, compacts and clears away, for all applications, until disposed. */
  keepUp(): AsyncDisposable
}

export interface TelemetryOptions {
  readonly db: Database
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  /** Files of a moment go into a folder of our own in it. */
  readonly root: string
  /** How long states are kept where an application says nothing of its own; undefined is for ever. */
  readonly retentionMs?: number | undefined
  /** When sealing is due, see UpkeepOptions; 3 min, 200,000 reports and 10 min unless given. */
  readonly sealAgeMs?: number
  readonly sealRows?: number
  readonly graceMs?: number
  /** Tests have few rows and all ways of sorting them. */
  readonly sorting?: Sorting
  readonly now?: () => Date
  /** Called after each step of sealing; tests stop or kill here. */
  readonly step?: Writers['step']
  readonly log?: (event: string, fields: Record<string, unknown>) => void
}

/** A read for an answer over HTTP; exports bring their own signal. */
const READ_LIMIT_MS = 60_000
const SETTLE_LIMIT_MS = 30_000

/** Makes the folder; nothing runs until the first read. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { db, blobs, duckdb, retentionMs, now = () => new Date(), log = () => {} } = options
  const { sealAgeMs = 180_000, sealRows = 200_000, graceMs = 600_000 } = options
  const scratch = join(options.root, `telemetry-${newId()}`)
  await mkdir(scratch, { recursive: true })
  const { sorting } = options
  const readers: Readers = { db, blobs, duckdb, scratch, keeping: { now, retentionMs }, sorting }
  const writers: Writers = { ...readers, step: options.step ?? (async () => {}) }
  const limited = (signal: AbortSignal | undefined) =>
    AbortSignal.any([AbortSignal.timeout(READ_LIMIT_MS), ...(signal ? [signal] : [])])
  return {
    exportStates: (wanted, file, signal) => exportStates(readers, wanted, file, signal),
    readStates: (wanted, signal) => readStates(readers, wanted, limited(signal)),
    query: (slice, toSql, signal) => queryStates(readers, slice, toSql, limited(signal)),
    forget: forgetStates,
    setRetention: (tx, applicationId, ms) => setRetention(tx, applicationId, ms, readers.keeping),
    describe: (applicationId) => describeHistory(db, applicationId),
    sealNow: async (applicationId, signal, tending) => {
      const sealTo = await settledSeq(db, SETTLE_LIMIT_MS, signal)
      return tendApplication(writers, applicationId, { sealTo, graceMs, ...tending }, signal)
    },
    keepUp: () => openUpkeep(writers, { sealAgeMs, sealRows, graceMs, log }),
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }),
  }
}
