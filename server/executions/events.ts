/** The table of events: written in batches by the attempt that holds the execution, read by whoever watches it. */

import type { ExecutionCause, ExecutionStatus } from '../../contract/executions.ts'
import { notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { StoredEvent } from './backlog.ts'

/** Notified with an execution's id when there is something new to see of it. */
export const SEEN = 'fieldbook_seen'

/** SQL of a CTE that keeps events of the execution in the CTE `held`; its arrays are the values from `$first` on. */
export const keepEvents = (first: number) =>
  `insert into execution_events (execution_id, id, kind, data)
   select held.id, event.id, event.kind, event.data
   from held, unnest($${first}::bigint[], $${first + 1}::text[], $${first + 2}::text[]) as event (id, kind, data)
   on conflict do nothing`

/** The values that `keepEvents` takes. */
export const eventValues = (events: readonly StoredEvent[]) => [
  events.map(({ id }) => id),
  events.map(({ kind }) => kind),
  events.map(({ data }) => data),
]

/** What there is to see of an execution after an event: further events, and how it stands. */
export interface Sight {
  readonly status: ExecutionStatus
  readonly attempt: number
  readonly queuedAt: Date
  readonly errors: readonly ExecutionCause[]
  readonly events: readonly StoredEvent[]
}

/** Events that are read at once; there may be more when as many came. With their sizes bounded, at most some megabytes. */
export const EVENTS_PER_READ = 250

/** Reads one moment: an end is seen together with all events before it. @throws notFound when it was deleted */
export async function readEvents(db: Queryable, executionId: string, after: number): Promise<Sight> {
  const rows = await db.query<EventRow>(
    `select status, attempt, queued_at, errors, event.* from executions
     left join lateral (
       select id as event_id, kind, data from execution_events where execution_id = $1 and id > $2
       order by id limit ${EVENTS_PER_READ}
     ) event on true
     where executions.id = $1 order by event_id`,
    [executionId, after],
  )
  const [row] = rows
  if (!row) throw notFound('Execution')
  const events = rows.flatMap(({ event_id: id, kind, data }) => (id === null ? [] : [{ id, kind, data }]))
  return { status: row.status, attempt: row.attempt, queuedAt: row.queued_at, errors: row.errors, events }
}

type EventRow = { status: ExecutionStatus; attempt: number; queued_at: Date; errors: ExecutionCause[] } & (
  | { event_id: number; kind: StoredEvent['kind']; data: string }
  | { event_id: null; kind: null; data: null }
)
