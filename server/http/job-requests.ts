/** How routes ask for a job: in whose name, and where its links start. */

import type { JobRequest } from '../jobs/work.ts'
import type { Call } from './serve.ts'

/** What of a call says who asks, and where links are to start. */
export type Caller = Pick<Call<unknown>, 'caller' | 'sharedUrl'>

export const askedBy = ({ caller, sharedUrl }: Caller): Required<Pick<JobRequest, 'requester' | 'baseUrl'>> => ({
  requester: { type: 'user', id: caller.userId },
  baseUrl: sharedUrl,
})
