/** A store that is filled with the history of fleets, sealed as it grows, and asked for slices of it as a service would be. */

import { mkdir, open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import { openTelemetry } from '../../server/stores/telemetry/telemetry.ts'
import { descendantsWith } from '../processes.ts'
import { openStore, type Store } from '../store.ts'
import { type Fleet, momentOf, reportsOf } from './fleet.ts'

/** The defaults of FIELDBOOK_DUCKDB_MEMORY and FIELDBOOK_DUCKDB_DISK. */
const MEMORY_BYTES = 512 * 2 ** 20
const DISK_BYTES = 20 * 2 ** 30

export const THREADS = availableParallelism()

/** Of a fleet; `to` is the first one after them. */
export interface Steps {
  readonly from: number
  readonly to: number
}

export interface Slice extends Steps {
  readonly deviceIds: readonly string[]
  readonly attributes: readonly string[]
}

export interface History extends AsyncDisposable {
  readonly store: Store
  /** Puts the reports of a range of steps into the hot table; `flatFile` gets the same for peers. */
  report(fleet: Fleet, applicationId: string, steps: Steps, flatFile?: string): Promise<void>
  /** Seals all that is hot of an application, and compacts. */
  seal(applicationId: string): Promise<void>
  /** How an input gets its rows: as CSV, by device and time. */
  export(fleet: Fleet, applicationId: string, slice: Slice, file: string): Promise<void>
  /** What the catalogue has of an application, in words. */
  describe(applicationId: string): Promise<string>
  /** The processes that are ours, by what they are. */
  readonly processes: Readonly<Record<string, () => Promise<number[]>>>
}

/** Opens it with the settings a service has. */
export async function openHistory(): Promise<History> {
  await using opening = new AsyncDisposableStack()
  const store = opening.use(await openStore())
  const { db } = store
  const root = join(store.folder, 'work')
  await mkdir(root)
  const blobs = await openFsBlobs(join(store.folder, 'blobs'))
  const settings = { root, threads: THREADS, memoryBytes: MEMORY_BYTES, temporaryBytes: DISK_BYTES }
  const duckdb = opening.use(await openDuckDb(settings))
  const telemetry = opening.use(await openTelemetry({ db, blobs, duckdb, root }))
  const never = new AbortController().signal
  const owned = opening.move()
  return {
    store,
    report: (fleet, applicationId, steps, flatFile) =>
      db.transaction((tx) =>
        pipeline(
          Readable.from(hotLines(fleet, applicationId, steps, flatFile)),
          tx.copyFrom('copy hot_states (application_id, device_id, ts, doc) from stdin'),
        ),
      ),
    seal: async (applicationId) => {
      if (!(await telemetry.sealNow(applicationId, never))) throw new Error('somebody else is sealing')
      // A history that grows this fast is ahead of autovacuum, and every part would read the dead rows of all before it.
      await db.query('vacuum hot_states')
    },
    export: (fleet, applicationId, { deviceIds, attributes, from, to }, file) => {
      const range = { from: momentOf(fleet, from), to: momentOf(fleet, to) }
      return telemetry.exportStates({ applicationId, deviceIds, attributes, ...range }, file, never)
    },
    describe: async (applicationId) => JSON.stringify(await telemetry.describe(applicationId)),
    processes: {
      'the service (Node)': async () => [process.pid],
      DuckDB: async () => (duckdb.pid === undefined ? [] : [duckdb.pid]),
      PostgreSQL: async () => [store.postgresPid, ...(await descendantsWith(store.postgresPid, ''))],
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The lines for the hot table; those for peers go to the file on the way. */
async function* hotLines(fleet: Fleet, applicationId: string, { from, to }: Steps, flatFile?: string) {
  await using flat = flatFile === undefined ? undefined : await open(flatFile, 'w')
  for (const lines of reportsOf(fleet, applicationId, from, to)) {
    await flat?.write(lines.flat)
    yield Buffer.from(lines.hot)
  }
}
