/** What a worker works with, as `service.ts` puts it together, over a folder of the test's own. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunParts } from '../../server/executions/run.ts'
import type { Log } from '../../server/ground/log.ts'
import { createKernels } from '../../server/kernel/kernels.ts'
import { createRenderer } from '../../server/render/renderer.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { openTelemetry } from '../../server/stores/telemetry/telemetry.ts'
import { testBrowser } from './chromium.ts'
import { testHost, testImage } from './image.ts'

/** Kernels start cold, which is the same each time. Whoever opens the parts closes their kernels and their renderer. */
export async function openRunParts(db: Database, folder: string, log: Log): Promise<RunParts> {
  const [host, image] = await Promise.all([testHost(), testImage()])
  const root = join(folder, `kernels-${process.pid}`)
  await mkdir(root)
  const blobs = await openFsBlobs(join(folder, 'blobs'))
  const duckdb = await openDuckDb({ root: folder, threads: 2, memoryBytes: 2 ** 28, temporaryBytes: 2 ** 30 })
  return {
    db,
    blobs,
    duckdb,
    telemetry: await openTelemetry({ db, blobs, duckdb, root: folder }),
    fetching: { maxBytes: 1_000_000, timeoutMs: 5000, allowPrivate: true },
    log,
    host,
    kernels: createKernels({ host, root, limits: DEFAULT_LIMITS, spares: 0, forking: false, log }),
    renderer: createRenderer({ host, root, limits: DEFAULT_LIMITS, log, browser: testBrowser }),
    image: async () => image,
    limits: DEFAULT_LIMITS,
    workRoot: join(folder, 'work'),
    linkFile: (_, name) => `/${name}`,
  }
}
