/** Small makers with defaults for tests of the rooms: each makes one thing and names only what the test does not care about. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Application, ApplicationPost } from '../../contract/applications.ts'
import type { DataTable, DataTableColumn } from '../../contract/data-tables.ts'
import type { Device, DevicePost } from '../../contract/devices.ts'
import type { NotebookPost } from '../../contract/notebooks.ts'
import { createApplication } from '../../server/catalog/applications.ts'
import { createDataTable } from '../../server/catalog/data-tables.ts'
import { createDevice } from '../../server/catalog/devices.ts'
import { createNotebook, type StoredNotebook, setJupyterFile } from '../../server/catalog/notebooks.ts'
import { claimExecution } from '../../server/executions/claim.ts'
import type { Ending } from '../../server/executions/finish.ts'
import type { Seen } from '../../server/executions/live.ts'
import type { Execution } from '../../server/executions/record.ts'
import { requestExecution } from '../../server/executions/request.ts'
import type { RunParts } from '../../server/executions/run.ts'
import { readConfig } from '../../server/ground/config.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import type { Pass } from '../../server/ground/sweep.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database, Queryable } from '../../server/stores/postgres/database.ts'
import { openRunParts } from './run-parts.ts'
import { ipynb } from './steps.ts'

/** A folder of its own, gone when the test has ended. */
export async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A user who cannot sign in: the hash is none. */
export async function makeUser(db: Queryable): Promise<string> {
  const id = newId()
  await db.query(`insert into users (id, email, password_hash) values ($1, $2, 'none')`, [id, `${id}@example.com`])
  return id
}

export const makeApplication = async (db: Queryable, post: Partial<ApplicationPost> = {}): Promise<Application> =>
  createApplication(db, await makeUser(db), { name: 'a plant', ...post })

/** A device in an application made for it, unless one is given. */
export async function makeDevice(
  db: Database,
  { applicationId, ...post }: Partial<DevicePost> & { applicationId?: string } = {},
): Promise<Device> {
  return createDevice(db, applicationId ?? (await makeApplication(db)).id, { name: 'a pump', ...post })
}

/** A data table in an application made for it, unless one is given. */
export async function makeTable(
  db: Database,
  columns: readonly DataTableColumn[],
  { applicationId, name = 'readings' }: { applicationId?: string; name?: string } = {},
): Promise<DataTable> {
  return createDataTable(db, applicationId ?? (await makeApplication(db)).id, { name, columns: [...columns] })
}

/** An optional column, the shape most tests need. */
export const column = (
  name: string,
  dataType: DataTableColumn['dataType'] = 'string',
  rest: Partial<DataTableColumn> = {},
): DataTableColumn => ({ name, dataType, constraint: 'optional', ...rest })

/** A notebook without a file, in an application made for it unless one is given. */
export async function makeNotebook(
  db: Queryable,
  { applicationId, ...post }: Partial<NotebookPost> & { applicationId?: string } = {},
): Promise<StoredNotebook> {
  return createNotebook(db, applicationId ?? (await makeApplication(db)).id, { name: 'a notebook', ...post })
}

/** A notebook whose file has these code cells. */
export async function makeCells(
  parts: Pick<RunParts, 'db' | 'blobs'>,
  cells: readonly string[],
  post: Partial<NotebookPost> & { applicationId?: string } = {},
): Promise<StoredNotebook> {
  const { applicationId, id } = await makeNotebook(parts.db, post)
  const file = { name: 'a.ipynb', content: Buffer.from(ipynb(...cells)) }
  return setJupyterFile(parts.db, parts.blobs, applicationId, id, file)
}

/** The limits of an installation without settings. */
export const testLimits = readConfig({}, '/').limits

/** Queues an execution of a notebook and gives its id; a notebook without a file gets the name of one that is not there. */
export function makeExecution(db: Queryable, notebook: StoredNotebook, runMinutes = 60): Promise<string> {
  const withFile = { ...notebook, jupyterFile: notebook.jupyterFile ?? { name: 'a.ipynb', blobKey: 'missing.ipynb' } }
  const limits = { ...testLimits, runMinutes }
  return requestExecution(db, withFile, {}, { sourceType: 'user', sourceId: newId() }, limits, new Date())
}

/** A claim that has to succeed; the lease is longer than any test. */
export async function makeClaim(db: Database): Promise<Execution> {
  const execution = await claimExecution(db, 'a worker', 3_600_000)
  assert.ok(execution, 'an execution waits')
  return execution
}

/** A pass of the daily cleaning, `days` from now. */
export const makePass = (days = 0, isDryRun = false): Pass => ({
  now: new Date(Date.now() + days * 86_400_000),
  signal: new AbortController().signal,
  isDryRun,
})

/** A run that told nothing. */
export const UNSEEN: Seen = { cell: 0, cells: 0, events: [], metrics: { cells: [] } }

/** A claimed execution of a notebook that has come to its end: what it wrote is in OUTPUT_DIR, its log is made. */
export async function makeEnding(
  t: TestContext,
  db: Database,
  notebook: StoredNotebook,
  written: Readonly<Record<string, string>>,
): Promise<Ending & { readonly blobRoot: string; readonly outputDir: string }> {
  await makeExecution(db, notebook)
  const execution = await makeClaim(db)
  const folder = await makeFolder(t)
  const [outputDir, blobRoot, log] = [join(folder, 'out'), join(folder, 'blobs'), join(folder, 'result.log')]
  await mkdir(outputDir)
  await writeFile(log, 'printed')
  for (const [name, text] of Object.entries(written)) await writeFile(join(outputDir, name), text)
  return {
    execution,
    failure: undefined,
    outputDir,
    results: new Map([['result.log', log]]),
    unmade: [],
    context: { ctx: {}, globals: {} },
    blobs: await openFsBlobs(blobRoot),
    maxBytes: 1_000_000_000,
    maxFiles: 10_000,
    prefix: `executions/${execution.id}/${execution.attempt}`,
    signal: new AbortController().signal,
    canceled: new AbortController().signal,
    live: { settle: async () => {}, seen: () => UNSEEN },
    blobRoot,
  }
}

/** What a worker works with, as `service.ts` puts it together, over a folder of the test's own. */
export async function makeRunParts(t: TestContext, db: Database): Promise<RunParts> {
  const parts = await openRunParts(db, await makeFolder(t), createLog('silent'))
  t.after(async () => {
    await parts.kernels[Symbol.asyncDispose]()
    await parts.renderer[Symbol.asyncDispose]()
    await parts.duckdb[Symbol.asyncDispose]()
  })
  return parts
}
