/** Putting executions into the queue, which is their table: one, or one for each window of a backfill. */

import type { Queryable } from '../stores/postgres/database.ts'
import type { Execution, KeptFile, NotebookSnapshot, Tells } from './record.ts'
import { QUEUED } from './store.ts'

/** What executions that are queued together have in common. */
export interface NewExecutions {
  readonly applicationId: string
  readonly notebookId: string
  readonly snapshot: NotebookSnapshot
  readonly templateContext: string | undefined
  readonly sourceType: Execution['sourceType']
  readonly sourceId: string
  readonly maxRunMinutes: number
  /** Who is told of the end. */
  readonly tells?: Tells | undefined
  readonly rerunOf?: string
  readonly givenInputs?: Readonly<Record<string, KeptFile>>
  readonly backfillId?: string
  readonly schedule?: Execution['schedule']
}

/** What each of them has of its own. */
export interface NewExecution {
  readonly id: string
  readonly relativeTo: Date
}

/** Queues executions of a notebook and wakes the workers, in one statement: the wake-up leaves with the rows' commit. */
export async function queueExecutions(
  db: Queryable,
  shared: NewExecutions,
  executions: readonly NewExecution[],
): Promise<void> {
  await db.query(
    `with queued as (
       insert into executions (id, relative_to, application_id, notebook_id, snapshot, template_context, source_type,
         source_id, max_run_minutes, rerun_of, given_inputs, backfill_id, tells,
         schedule_id, planned_for)
       select id, relative_to, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, $16
       from unnest($1::text[], $2::timestamptz[]) as each (id, relative_to) returning id
     ), requested as (
       update notebooks set last_execution_requested = now() where id = $4
     )
     select pg_notify($14, min(id)) from queued`,
    [
      executions.map(({ id }) => id),
      executions.map(({ relativeTo }) => relativeTo),
      shared.applicationId,
      shared.notebookId,
      JSON.stringify(shared.snapshot),
      shared.templateContext ?? null,
      shared.sourceType,
      shared.sourceId,
      shared.maxRunMinutes,
      shared.rerunOf ?? null,
      shared.givenInputs ? JSON.stringify(shared.givenInputs) : null,
      shared.backfillId ?? null,
      shared.tells && JSON.stringify(shared.tells),
      QUEUED,
      shared.schedule?.id ?? null,
      shared.schedule?.plannedFor ?? null,
    ],
  )
}
