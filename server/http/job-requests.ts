/** How routes ask for a job: in whose name, and who is told of its end. */

import type { JobRequest } from '../jobs/work.ts'
import type { Call } from './serve.ts'

/** What of a call says who asks, and where links are to start. */
export type Caller = Pick<Call<unknown>, 'caller' | 'sharedUrl'>

export const askedBy = ({ caller, sharedUrl }: Caller): Required<Pick<JobRequest, 'requester' | 'baseUrl'>> => ({
  requester: { type: 'user', id: caller.userId },
  baseUrl: sharedUrl,
})

/** Bodies and query parameters that say whom to tell; empty text is nobody. */
export interface Told {
  readonly email?: string
  readonly callbackUrl?: string
}

/** As a job's input holds it. */
export const toldOf = ({ email, callbackUrl }: Told): Told => ({
  ...(email ? { email } : {}),
  ...(callbackUrl ? { callbackUrl } : {}),
})
