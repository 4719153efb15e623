/** Jobs from the side of those who ask for them; every process of the service can. */

import { newId } from '../ground/ids.ts'
import { JOBS, type Queue } from './queue.ts'
import { insertJob } from './store.ts'
import { ticketOf } from './ticket.ts'
import type { Jobs } from './work.ts'

/** Over an open queue; `baseUrl` is what links start with when a request says nothing of it. */
export const createJobs = (queue: Queue, baseUrl: string): Jobs => ({
  enqueue: async (db, request) => {
    const id = newId()
    await insertJob(db, id, request, baseUrl)
    await queue.put(db, JOBS, id)
    return { success: true, jobQueued: true, jobId: ticketOf(id) }
  },
})
