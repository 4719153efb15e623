/** What jobs can do, and what is done once a day: one line for each, the work itself is in the room it is about. */

import { exportData } from './catalog/data-export.ts'
import { removeData } from './catalog/data-removal.ts'
import { deviceJobs } from './catalog/device-jobs.ts'
import { eventJobs } from './catalog/event-jobs.ts'
import { collectOrphans } from './catalog/files/orphans.ts'
import { rowJobs } from './catalog/row-jobs.ts'
import { INPUT_EXPORT } from './executions/input-export.ts'
import { exportInputs } from './executions/input-zip.ts'
import type { Sources } from './executions/inputs/input.ts'
import { RENDER_RESULT, type RenderingParts, renderResult } from './executions/rendering.ts'
import type { Chore } from './jobs/tidy.ts'
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

/** What is done once a day, by one process of all. */
export const dailyChores = ({ db, blobs }: Pick<Sources, 'db' | 'blobs'>): Readonly<Record<string, Chore>> => ({
  orphanedFiles: (now, signal) => collectOrphans(db, blobs, now, signal),
  halfWrittenBlobs: () => blobs.dropHalfWritten(),
})
