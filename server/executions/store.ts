/**
 * The executions table: it is the queue as well. Every move of status is one guarded update that tells whether it won;
 * a worker's writes carry its attempt number, so that one that lost its lease can change nothing any more.
 */

import type { ExecutionCause } from '../../contract/executions.ts'
import { notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { StoredEvent } from './backlog.ts'
import { eventValues, keepEvents, SEEN } from './events.ts'
import { before } from './lifecycle.ts'
import type { Seen } from './live.ts'
import {
  type Execution,
  type ExecutionRow,
  type KeptFile,
  type NotebookSnapshot,
  type RanOn,
  toExecution,
} from './record.ts'

/** Notified with an execution's id when one is queued. */
export const QUEUED = 'fieldbook_queued'
/** Notified with an execution's id when one is to be canceled. */
export const CANCELING = 'fieldbook_canceling'

export interface NewExecution {
  readonly id: string
  readonly applicationId: string
  readonly notebookId: string
  readonly snapshot: NotebookSnapshot
  readonly relativeTo: Date
  readonly templateContext: string | undefined
  readonly sourceType: Execution['sourceType']
  readonly sourceId: string
  readonly maxRunMinutes: number
}

/** Queues an execution and wakes the workers, in one statement: the wake-up leaves with the row's commit. */
export async function queueExecution(db: Queryable, execution: NewExecution): Promise<void> {
  await db.query(
    `with queued as (
       insert into executions (id, application_id, notebook_id, snapshot, relative_to, template_context,
         source_type, source_id, max_run_minutes)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id, notebook_id
     ), requested as (
       update notebooks set last_execution_requested = now() from queued where notebooks.id = queued.notebook_id
     )
     select pg_notify($10, id) from queued`,
    [
      execution.id,
      execution.applicationId,
      execution.notebookId,
      JSON.stringify(execution.snapshot),
      execution.relativeTo,
      execution.templateContext ?? null,
      execution.sourceType,
      execution.sourceId,
      execution.maxRunMinutes,
      QUEUED,
    ],
  )
}

/**
 * Takes the execution that has waited longest among those of the applications with the fewest running, or undefined
 * when none waits: a tenant that queues thousands delays another one's first run by one slot at most. Sorting 10,000
 * waiting rows costs about 10 ms a claim.
 */
export async function claimExecution(db: Queryable, workerId: string, leaseMs: number): Promise<Execution | undefined> {
  const rows = await db.query<ExecutionRow>(
    `update executions set status = 'inProgress', attempt = attempt + 1, worker_id = $1,
       lease_until = now() + $2 * interval '1 millisecond', started_at = clock_timestamp(),
       inputs_completed_at = null, notebook_completed_at = null, phase = 'inputs', cell = 0, cells = 0, input_info = '{}'
     where id = (
       select waiting.id from executions waiting
       left join (
         select application_id, count(*) as running from executions where status in ('inProgress', 'canceling')
         group by application_id
       ) busy using (application_id)
       where waiting.status = 'queued' order by coalesce(busy.running, 0), waiting.queued_at, waiting.id
       for update of waiting skip locked limit 1
     )
     returning *`,
    [workerId, leaseMs],
  )
  return rows.map(toExecution)[0]
}

/** Who is writing: the execution and the attempt that holds it. */
export type Holder = Pick<Execution, 'id' | 'attempt'>

/** Only the attempt that holds an execution may write to it; `$1` is its id, `$2` the attempt. */
export const HELD = `id = $1 and attempt = $2 and status in ('inProgress', 'canceling')`

/** Records where the run is and what it told meanwhile, and tells whoever watches, in one statement. */
export async function recordLive(
  db: Queryable,
  holder: Holder,
  { cell, cells }: { cell: number; cells: number },
  events: readonly StoredEvent[],
): Promise<void> {
  await db.query(
    `with held as (update executions set cell = $3, cells = $4 where ${HELD} returning id),
     kept as (${keepEvents(5)})
     select pg_notify($8, id) from held`,
    [holder.id, holder.attempt, cell, cells, ...eventValues(events), SEEN],
  )
}

/** Records what was staged and what the notebook will run on; the phase is complete only when no input failed. */
export async function recordInputs(
  db: Queryable,
  holder: Holder,
  inputs: Readonly<Record<string, KeptFile>>,
  complete: boolean,
  { image, sandbox }: RanOn,
): Promise<void> {
  await db.query(
    `update executions set input_info = $3, ran_on = $4,
       inputs_completed_at = case when $5 then clock_timestamp() end,
       phase = case when $5 then 'notebook' else phase end
     where ${HELD}`,
    [
      holder.id,
      holder.attempt,
      JSON.stringify(inputs),
      JSON.stringify({ image: pick(image, IMAGE_FACTS), sandbox: pick(sandbox, ['level', 'name']) }),
      complete,
    ],
  )
}

const IMAGE_FACTS = ['version', 'source', 'pythonVersion', 'packages'] as const

const pick = <T extends object, K extends keyof T>(from: T, keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, from[key]]))

/** Records that the notebook has ended, one way or the other; it has no end when it never began. */
export async function recordNotebookEnd(db: Queryable, holder: Holder): Promise<void> {
  await db.query(
    `update executions set phase = 'outputs',
       notebook_completed_at = case when inputs_completed_at is null then null else clock_timestamp() end
     where ${HELD}`,
    [holder.id, holder.attempt],
  )
}

/** Locks a held execution until the transaction ends and gives its status; undefined when it is no longer this attempt's. */
export async function lockExecution(tx: Queryable, holder: Holder): Promise<Execution['status'] | undefined> {
  const row = await tx.one<{ status: Execution['status'] }>(`select status from executions where ${HELD} for update`, [
    holder.id,
    holder.attempt,
  ])
  return row?.status
}

/** Writes the final status with what is told of it; the caller has locked the row. */
export async function recordEnd(
  tx: Queryable,
  holder: Holder,
  status: Execution['status'],
  errors: readonly ExecutionCause[],
  outputs: Readonly<Record<string, KeptFile>>,
  seen: Seen,
): Promise<void> {
  await tx.query(
    `with held as (
       update executions set status = $3, errors = $4, output_info = $5, outputs_completed_at = clock_timestamp(),
         phase = 'finished', lease_until = null, cell = $6, cells = $7, metrics = $8 where ${HELD} returning id
     ), kept as (${keepEvents(10)})
     select pg_notify($9, id) from held`,
    [
      holder.id,
      holder.attempt,
      status,
      JSON.stringify(errors),
      JSON.stringify(outputs),
      seen.cell,
      seen.cells,
      JSON.stringify(seen.metrics),
      SEEN,
      ...eventValues(seen.events),
    ],
  )
}

/** @throws notFound */
export async function getExecution(db: Queryable, notebookId: string, id: string): Promise<Execution> {
  const row = await db.one<ExecutionRow>('select * from executions where id = $1 and notebook_id = $2', [
    id,
    notebookId,
  ])
  if (!row) throw notFound('Execution')
  return toExecution(row)
}

const LISTED = `id, application_id, notebook_id, status, snapshot, relative_to, template_context, source_type, source_id,
  max_run_minutes, attempt, queued_at, started_at, inputs_completed_at, notebook_completed_at, outputs_completed_at,
  input_info, output_info, errors, ran_on, phase, cell, cells`

/** Executions of a notebook, newest first, queued at or after `since`. */
export async function listExecutions(
  db: Queryable,
  notebookId: string,
  limit: number,
  since: Date | undefined,
): Promise<Execution[]> {
  const rows = await db.query<ExecutionRow>(
    `select ${LISTED} from executions where notebook_id = $1 and ($2::timestamptz is null or queued_at >= $2)
     order by queued_at desc, id desc limit $3`,
    [notebookId, since ?? null, limit],
  )
  return rows.map(toExecution)
}

/**
 * Marks an execution for cancellation: one that waits is canceled at once, one that runs is told. Asking again changes
 * nothing. @throws notFound for one that has ended or never was
 */
export async function cancelExecution(db: Queryable, notebookId: string, id: string): Promise<void> {
  const rows = await db.query(
    `with moved as (
       update executions set
         status = case when status = any ($4) then 'canceling' else 'canceled' end,
         outputs_completed_at = case when status = any ($4) then outputs_completed_at else clock_timestamp() end,
         phase = case when status = any ($4) then phase else 'finished' end
       where id = $1 and notebook_id = $2 and status in ('queued', 'inProgress', 'canceling') returning id
     )
     select pg_notify($3, id) from moved`,
    [id, notebookId, CANCELING, [...before('canceling'), 'canceling']],
  )
  if (rows.length === 0) throw notFound('Execution')
}

/** The executions of a notebook that have not ended. */
export async function unfinishedExecutions(db: Queryable, notebookId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from executions where notebook_id = $1 and status in ('queued', 'inProgress', 'canceling')`,
    [notebookId],
  )
  return rows.map(({ id }) => id)
}
