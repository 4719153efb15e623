/** What jobs can do: one line for each kind, the work itself is in the room it is about. */

import { deviceJobs } from './catalog/device-jobs.ts'
import type { JobWork } from './jobs/work.ts'
import type { Blobs } from './stores/blobs/blobs.ts'
import type { Database } from './stores/postgres/database.ts'
import { forgetAttributes } from './stores/telemetry/forget-attributes.ts'

/** What the work of jobs is made from. */
export interface JobParts {
  readonly db: Database
  readonly blobs: Blobs
}

/** The work of each kind that requests queue. */
export const jobKinds = ({ db }: JobParts): Readonly<Record<string, JobWork>> => ({
  ...deviceJobs({ db, forgetAttributes }),
})
