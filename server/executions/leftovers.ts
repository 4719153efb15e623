/** Working folders that an attempt or a job should have taken away, and could not. */

import { clearScratch } from '../ground/clear-scratch.ts'
import type { Pass, Swept } from '../ground/sweep.ts'
import type { Queryable } from '../stores/postgres/database.ts'

/** Folders of attempts (`folder.ts`) and of jobs (`jobs/attempt.ts`); whatever else a worker has there is in use. */
const OURS = /^(job-)?([0-9a-f]{24})-(\d+)$/

/**
 * Removes working folders that have not changed for a day, below the folders of workers in `root`, unless that very
 * attempt still goes on. The folders of workers that are gone are removed by those that live (`reaper.ts`).
 */
export const clearWorkingFolders = (db: Queryable, root: string, pass: Pass): Promise<Swept> =>
  clearScratch(root, pass, async (name) => {
    const [, job, id, attempt] = OURS.exec(name) ?? []
    if (!id) return false
    const held = job
      ? `select from job_logs where id = $1 and attempt = $2 and status = 'inProgress'`
      : `select from executions where id = $1 and attempt = $2 and status in ('inProgress', 'canceling')`
    return (await db.query(held, [id, Number(attempt)])).length === 0
  })
