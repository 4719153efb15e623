/** How routes ask for a job or an execution: in whose name, and where its links start. */

import { type Actor, type Caller as AnyCaller, actorOf } from '../access/callers.ts'
import type { JobRequest } from '../jobs/work.ts'
import type { Call } from './serve.ts'

/** What of a call says who asks, and where links are to start. */
export type Caller = Pick<Call<unknown>, 'caller' | 'sharedUrl'>

export const askedBy = ({ caller, sharedUrl }: Caller): Required<Pick<JobRequest, 'requester' | 'baseUrl'>> => ({
  requester: actorOf(caller),
  baseUrl: sharedUrl,
})

/** The same for an execution, in its words. */
export function requesterOf(caller: AnyCaller): { sourceType: Actor['type']; sourceId: string } {
  const { type, id } = actorOf(caller)
  return { sourceType: type, sourceId: id }
}
