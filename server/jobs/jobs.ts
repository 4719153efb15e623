/** Jobs from the side of those who ask for them; every process of the service can. */

import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { JOBS, type Queue } from './queue.ts'
import { insertJob } from './store.ts'
import { ticketOf } from './ticket.ts'
import type { JobRequest, Jobs } from './work.ts'

/** Over an open queue; `baseUrl` is what links start with when a request says nothing of it. */
export const createJobs = (queue: Queue, baseUrl: string): Jobs => ({
  enqueue: async (db, request) => {
    const id = newId()
    const email = request.mailsUser && !request.input['email'] ? await emailOf(db, request) : undefined
    const input = email === undefined ? request.input : { ...request.input, email }
    await insertJob(db, id, { ...request, input }, baseUrl)
    await queue.put(db, JOBS, id)
    return { success: true, jobQueued: true, jobId: ticketOf(id) }
  },
})

/** The address of the user who asks; anything else that asks has none. */
async function emailOf(db: Queryable, { requester }: JobRequest): Promise<string | undefined> {
  if (requester.type !== 'user') return undefined
  return (await db.one<{ email: string }>('select email from users where id = $1', [requester.id]))?.email
}
