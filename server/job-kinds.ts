/** What jobs can do: one line for each kind, the work itself is in the room it is about. */

import type { JobWork } from './jobs/work.ts'
import type { Blobs } from './stores/blobs/blobs.ts'
import type { Database } from './stores/postgres/database.ts'

/** What the work of jobs is made from. */
export interface JobParts {
  readonly db: Database
  readonly blobs: Blobs
}

/** The work of each kind that requests queue. */
export const jobKinds = (_parts: JobParts): Readonly<Record<string, JobWork>> => ({})
