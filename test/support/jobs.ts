/** A worker of jobs as `service.ts` puts it together, over a folder of the test's own and with work of the test's own. */

import { join } from 'node:path'
import { attendanceOf, openPresence } from '../../server/executions/presence.ts'
import { createLog } from '../../server/ground/log.ts'
import { createJobs } from '../../server/jobs/jobs.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import type { JobRow } from '../../server/jobs/store.ts'
import type { JobRequest, JobWork } from '../../server/jobs/work.ts'
import { openJobWorker } from '../../server/jobs/worker.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database, Queryable } from '../../server/stores/postgres/database.ts'

export interface TestJobsOptions {
  readonly db: Database
  /** Shared by the workers of a test: blobs and working folders. */
  readonly folder: string
  readonly work: Readonly<Record<string, JobWork>>
  readonly slots?: number
  readonly limitMs?: number
  readonly tell?: (db: Queryable, ended: JobRow) => Promise<void>
}

/** Opens a worker with its queue and its sign of life; disposing it closes all three. */
export async function openTestJobs(options: TestJobsOptions) {
  const { db, folder } = options
  const log = createLog('silent')
  await using opening = new AsyncDisposableStack()
  const queue = opening.use(await openQueue(db, { supervise: false, log }))
  const presence = opening.use(await openPresence(db, { root: join(folder, 'work'), log: () => {} }))
  const blobs = await openFsBlobs(join(folder, 'blobs'))
  const worker = opening.use(
    await openJobWorker(
      {
        db,
        blobs,
        queue,
        log,
        work: options.work,
        attendance: attendanceOf(presence, db),
        limitMs: options.limitMs ?? 60_000,
        tell: options.tell ?? (async () => {}),
      },
      { slots: options.slots ?? 1 },
    ),
  )
  const open = opening.move()
  return {
    worker,
    blobs,
    presence,
    jobs: createJobs(queue, 'http://fieldbook.test'),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** A request for work of a kind, about an application. */
export const jobRequest = (applicationId: string, kind: string, input: object = {}): JobRequest => ({
  applicationId,
  kind,
  name: `a job of ${kind}`,
  resourceType: 'event',
  requester: { type: 'user', id: '65f000000000000000000001' },
  input: { ...input },
})
