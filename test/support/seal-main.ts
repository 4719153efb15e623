/** A process that seals an application and dies at a step it is told: argv is a JSON text of `SealOrder`. */

import { join } from 'node:path'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import type { Connection } from '../../server/stores/postgres/embedded.ts'
import { openTelemetry } from '../../server/stores/telemetry/telemetry.ts'
import type { Tending } from '../../server/stores/telemetry/tending.ts'
import type { Step } from '../../server/stores/telemetry/writing.ts'

export interface SealOrder {
  readonly connection: Connection
  /** Holds the blobs. */
  readonly folder: string
  readonly applicationId: string
  readonly tending: Partial<Tending>
  /** Dies by SIGKILL when this step comes for the n-th time, counted from 1. */
  readonly dieAt: Step
  readonly time: number
}

// The test that starts us wrote it.
const order: SealOrder = JSON.parse(process.argv[2] ?? '')
const root = join(order.folder, 'killed')
await using db = await openDatabase({ connection: order.connection }, { poolSize: 4 })
await using duckdb = await openDuckDb({ root, threads: 1, memoryBytes: 2 ** 27, temporaryBytes: 2 ** 28 })
let times = 0
await using telemetry = await openTelemetry({
  db,
  blobs: await openFsBlobs(join(order.folder, 'blobs')),
  duckdb,
  root,
  step: async (step) => {
    if (step !== order.dieAt) return
    times += 1
    if (times === order.time) process.kill(process.pid, 'SIGKILL')
  },
})
await telemetry.sealNow(order.applicationId, new AbortController().signal, order.tending)
