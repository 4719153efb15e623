/** What jobs can do: one line for each kind, the work itself is in the room it is about. */

import { deviceJobs } from './catalog/device-jobs.ts'
import { INPUT_EXPORT } from './executions/input-export.ts'
import { exportInputs } from './executions/input-zip.ts'
import type { Sources } from './executions/inputs/input.ts'
import type { JobWork } from './jobs/work.ts'
import { forgetAttributes } from './stores/telemetry/forget-attributes.ts'

/** The work of each kind that requests queue. */
export const jobKinds = (sources: Sources): Readonly<Record<string, JobWork>> => ({
  ...deviceJobs({ db: sources.db, forgetAttributes }),
  [INPUT_EXPORT]: exportInputs(sources),
})
