/** A telemetry room for a test: its own database, folder and DuckDB process, and an application to report to. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { newId } from '../../server/ground/ids.ts'
import type { Blobs } from '../../server/stores/blobs/blobs.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { type DuckDb, openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { appendStates } from '../../server/stores/telemetry/hot.ts'
import type { StatesExport } from '../../server/stores/telemetry/slice.ts'
import type { StateValue } from '../../server/stores/telemetry/states.ts'
import { openTelemetry, type Telemetry, type TelemetryOptions } from '../../server/stores/telemetry/telemetry.ts'
import { makeApplication, makeFolder } from './make.ts'
import { openTestDatabase, type TestDatabase } from './postgres.ts'

export type Doc = Record<string, StateValue>

export interface History {
  readonly db: TestDatabase
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  readonly telemetry: Telemetry
  readonly applicationId: string
  /** Where the blobs and everything of a moment are. */
  readonly folder: string
  append(deviceId: string, ...states: [ts: number, doc: Doc][]): Promise<void>
  /** The text of an export, over all times and CSV unless said otherwise. */
  exported(wanted: Omit<StatesExport, 'applicationId'>): Promise<string>
}

/** The room over a database, with blobs and a DuckDB process of its own; everything ends with the test. */
export async function makeTelemetry(t: TestContext, db: Database, options: Partial<TelemetryOptions> = {}) {
  const folder = await makeFolder(t)
  const blobs = await openFsBlobs(join(folder, 'blobs'))
  const root = join(folder, 'scratch')
  const duckdb = await openDuckDb({ root, threads: 2, memoryBytes: 2 ** 28, temporaryBytes: 2 ** 30 })
  const telemetry = await openTelemetry({ db, blobs, duckdb, root, ...options })
  t.after(async () => {
    await telemetry[Symbol.asyncDispose]()
    await duckdb[Symbol.asyncDispose]()
  })
  return { blobs, duckdb, telemetry, folder }
}

/** Opens it with a database and an application. */
export async function openHistory(t: TestContext, options: Partial<TelemetryOptions> = {}): Promise<History> {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const parts = await makeTelemetry(t, db, options)
  return historyOf({ db, ...parts }, (await makeApplication(db)).id)
}

type Parts = Pick<History, 'db' | 'blobs' | 'duckdb' | 'telemetry' | 'folder'>

/** The same room with another application. */
export function historyOf(parts: Parts, applicationId: string): History {
  const { db, blobs, duckdb, telemetry, folder } = parts
  return {
    db,
    blobs,
    duckdb,
    telemetry,
    folder,
    applicationId,
    append: (deviceId, ...states) =>
      appendStates(
        db,
        applicationId,
        deviceId,
        states.map(([ts, doc]) => ({ ts, doc })),
      ),
    async exported(wanted) {
      const file = join(folder, newId())
      await telemetry.exportStates({ applicationId, ...wanted }, file, new AbortController().signal)
      return readFile(file, 'utf8')
    },
  }
}
