/** What jobs can do, and what is done once a day: one line for each, the work itself is in the room it is about. */

import { join } from 'node:path'
import { dropDeeds } from './access/deeds.ts'
import { dropKeys } from './access/idempotency-keys.ts'
import { exportData } from './catalog/data-export.ts'
import { removeData } from './catalog/data-removal.ts'
import { deviceJobs } from './catalog/device-jobs.ts'
import { eventJobs } from './catalog/event-jobs.ts'
import { collectFileOrphans } from './catalog/files/orphans.ts'
import { rowJobs } from './catalog/row-jobs.ts'
import { INPUT_EXPORT } from './executions/input-export.ts'
import { exportInputs } from './executions/input-zip.ts'
import type { Sources } from './executions/inputs/input.ts'
import { clearWorkingFolders } from './executions/leftovers.ts'
import { RENDER_RESULT, type RenderingParts, renderResult } from './executions/rendering.ts'
import * as retention from './executions/retention.ts'
import { clearScratch } from './ground/clear-scratch.ts'
import type { Config } from './ground/config.ts'
import { type Chores, jobChores } from './jobs/tidy.ts'
import type { JobWork } from './jobs/work.ts'
import { forgetAttributes } from './stores/telemetry/forget-attributes.ts'

/** The work of each kind that requests queue. */
export const jobKinds = (
  sources: Sources,
  rendering: Pick<RenderingParts, 'renderer' | 'image'>,
): Readonly<Record<string, JobWork>> => ({
  ...deviceJobs({ db: sources.db, forgetAttributes }),
  dataExport: exportData(sources),
  dataRemoval: removeData(sources),
  ...rowJobs(sources.db),
  ...eventJobs(sources.db),
  [INPUT_EXPORT]: exportInputs(sources),
  [RENDER_RESULT]: renderResult({ ...sources, ...rendering }),
})

/** What is done once a day, by one process of all; each can also only say what it would do. */
export const dailyChores = (
  stores: Pick<Sources, 'db' | 'blobs'>,
  { urls, logs, audit, jobs, dataDir }: Pick<Config, 'urls' | 'logs' | 'audit' | 'jobs' | 'dataDir'>,
): Chores => ({
  executions: (pass) => retention.dropExecutions(stores, pass, logs.ageMs),
  expiredOutputs: (pass) => retention.dropExpiredOutputs(stores, pass, urls.ttlMs),
  ...jobChores(stores, { filesMs: urls.ttlMs, logsMs: jobs.logsMs }),
  auditLog: (pass) => dropDeeds(stores.db, pass, audit.ageMs),
  idempotencyKeys: (pass) => dropKeys(stores.db, pass),
  orphanedFiles: (pass) => collectFileOrphans(stores.db, stores.blobs, pass),
  orphanedExecutionFiles: (pass) => retention.collectExecutionOrphans(stores, pass),
  orphanedNotebookFiles: (pass) => retention.collectNotebookOrphans(stores, pass),
  halfWrittenBlobs: (pass) => stores.blobs.dropHalfWritten(pass),
  temporaryFiles: (pass) => clearScratch(join(dataDir, 'scratch'), pass),
  workingFolders: (pass) => clearWorkingFolders(stores.db, join(dataDir, 'work'), pass),
})
