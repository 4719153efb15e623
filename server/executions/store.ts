/**
 * The executions table: it is the queue as well. Every move of status is one guarded update that tells whether it won;
 * a worker's writes carry its attempt number, so that one that lost its lease can change nothing any more.
 */

import type { ExecutionCause } from '../../contract/executions.ts'
import { notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { StoredEvent } from './backlog.ts'
import { eventValues, keepEvents, SEEN } from './events.ts'
import { before, FINAL, UNFINISHED } from './lifecycle.ts'
import type { Seen } from './live.ts'
import { type Execution, type ExecutionRow, type KeptFile, type RanOn, toExecution } from './record.ts'

/** Notified with an execution's id when one is queued. */
export const QUEUED = 'fieldbook_queued'
/** Notified with an execution's id when one is to be canceled. */
export const CANCELING = 'fieldbook_canceling'

/** Makes the workers look at the queue once this is committed. */
export const wakeWorkers = (tx: Queryable) => tx.query(`select pg_notify($1, '')`, [QUEUED])

/** Who is writing: the execution and the attempt that holds it. */
export type Holder = Pick<Execution, 'id' | 'attempt'>

/** Only the attempt that holds an execution may write to it; `$1` is its id, `$2` the attempt. */
export const HELD = `id = $1 and attempt = $2 and status in ('inProgress', 'canceling')`

/**
 * How far a run is. What is undefined is not known yet, and the row keeps what it has. The end of a run writes all of it
 * once more, so nobody has to wait for the writes before: a short run has none.
 */
export interface Standing {
  readonly phase?: Execution['progress']['phase'] | undefined
  readonly cell: number
  readonly cells: number
  readonly inputInfo?: Readonly<Record<string, KeptFile>> | undefined
  readonly ranOn?: RanOn | undefined
  readonly inputsCompletedAt?: Date | undefined
  readonly notebookCompletedAt?: Date | undefined
}

/** The assignments of a standing; their values are `$3` to `$8`. */
const STANDING = `cell = $3, cells = $4, input_info = coalesce($5, input_info), ran_on = coalesce($6, ran_on),
  inputs_completed_at = coalesce($7, inputs_completed_at), notebook_completed_at = coalesce($8, notebook_completed_at)`

const standingValues = ({ cell, cells, inputInfo, ranOn, inputsCompletedAt, notebookCompletedAt }: Standing) => [
  cell,
  cells,
  inputInfo && JSON.stringify(inputInfo),
  ranOn && JSON.stringify({ image: pick(ranOn.image, IMAGE_FACTS), sandbox: pick(ranOn.sandbox, ['level', 'name']) }),
  inputsCompletedAt,
  notebookCompletedAt,
]

const IMAGE_FACTS = ['version', 'source', 'pythonVersion', 'packages'] as const

const pick = <T extends object, K extends keyof T>(from: T, keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, from[key]]))

/** Records where the run is and what it told meanwhile, and tells whoever watches, in one statement. */
export async function recordLive(
  db: Queryable,
  holder: Holder,
  standing: Standing,
  events: readonly StoredEvent[],
): Promise<void> {
  await db.query(
    `with held as (update executions set ${STANDING}, phase = coalesce($9, phase) where ${HELD} returning id),
     kept as (${keepEvents(11)})
     select pg_notify($10, id) from held`,
    [holder.id, holder.attempt, ...standingValues(standing), standing.phase, SEEN, ...eventValues(events)],
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

/**
 * Writes the final status with what is told of it, and tells whether it did: not when the attempt no longer holds the
 * execution, or its status is none of `from`.
 */
export async function recordEnd(
  db: Queryable,
  holder: Holder,
  status: Execution['status'],
  errors: readonly ExecutionCause[],
  outputs: Readonly<Record<string, KeptFile>>,
  seen: Seen,
  from: readonly Execution['status'][] = ['inProgress', 'canceling'],
): Promise<boolean> {
  const rows = await db.query(
    `with held as (
       update executions set ${STANDING}, status = $9, errors = $10, output_info = $11, metrics = $12,
         outputs_completed_at = clock_timestamp(), phase = 'finished', lease_until = null
       where ${HELD} and status = any ($13) returning id
     ), kept as (${keepEvents(15)})
     select pg_notify($14, id) from held`,
    [
      holder.id,
      holder.attempt,
      ...standingValues(seen),
      status,
      JSON.stringify(errors),
      JSON.stringify(outputs),
      JSON.stringify(seen.metrics),
      from,
      SEEN,
      ...eventValues(seen.events),
    ],
  )
  return rows.length > 0
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

/**
 * Adds a file to the results of an execution that has ended, in the place of the one it was read with. Gives whether it
 * did: not when the execution is gone, or has got another such file meanwhile.
 */
export async function addResult(
  db: Queryable,
  { id, outputInfo }: Execution,
  name: string,
  file: KeptFile,
): Promise<boolean> {
  const row = await db.one(
    `update executions set output_info = output_info || jsonb_build_object($2::text, $3::jsonb)
     where id = $1 and status = any ($4) and output_info -> $2 ->> 'key' is not distinct from $5 returning id`,
    [id, name, JSON.stringify(file), FINAL, outputInfo[name]?.key ?? null],
  )
  return row !== undefined
}

/** Of each execution in a list: a directory of 10,000 files, 1,000 times, would be gigabytes. */
export const LISTED_FILES = 100

/** The first files by name, those of directories last; the rest does not leave the database. `$4` is how many. */
const FIRST_FILES = `(
  select coalesce(jsonb_object_agg(name, file), '{}') from (
    select name, file from jsonb_each(output_info) as files (name, file)
    order by case when strpos(name, '/') = 0 then 0 when starts_with(name, 'OUTPUT_DIR/') then 1 else 2 end, name collate "C"
    limit $4
  ) as first_files)`

const LISTED = `id, application_id, notebook_id, status, snapshot, relative_to, template_context, source_type, source_id,
  max_run_minutes, attempt, queued_at, started_at, inputs_completed_at, notebook_completed_at, outputs_completed_at,
  input_info, ${FIRST_FILES} as output_info, (select count(*)::int from jsonb_object_keys(output_info)) as output_count,
  errors, ran_on, phase, cell, cells, rerun_of, backfill_id, schedule_id, planned_for`

/** Executions of a notebook, newest first, queued at or after `since`, each with the first `LISTED_FILES` of its files. */
export async function listExecutions(
  db: Queryable,
  notebookId: string,
  limit: number,
  since: Date | undefined,
): Promise<Execution[]> {
  const rows = await db.query<ExecutionRow>(
    `select ${LISTED} from executions where notebook_id = $1 and ($2::timestamptz is null or queued_at >= $2)
     order by queued_at desc, id desc limit $3`,
    [notebookId, since ?? null, limit, LISTED_FILES],
  )
  return rows.map(toExecution)
}

/**
 * Marks an execution for cancellation: one that waits is canceled at once, one that runs is told. Asking again changes
 * nothing. @throws notFound for one that has ended or never was
 */
export async function cancelExecution(db: Queryable, notebookId: string, id: string): Promise<void> {
  if ((await cancelWhere(db, 'id = $3 and notebook_id = $4', [id, notebookId])) === 0) throw notFound('Execution')
}

/** The same for all windows of a backfill; gives how many had not ended. */
export const cancelBackfillExecutions = (db: Queryable, backfillId: string): Promise<number> =>
  cancelWhere(db, 'backfill_id = $3', [backfillId])

/** `condition` is on values from `$3` on. In the order of ids, as whoever else locks several. */
async function cancelWhere(db: Queryable, condition: string, values: readonly string[]): Promise<number> {
  const rows = await db.query(
    `with held as (
       select id from executions where ${condition} and status in ${UNFINISHED}
       order by id for update
     ), moved as (
       update executions set
         status = case when status = any ($2) then 'canceling' else 'canceled' end,
         outputs_completed_at = case when status = any ($2) then outputs_completed_at else clock_timestamp() end,
         phase = case when status = any ($2) then phase else 'finished' end
       from held where executions.id = held.id returning executions.id
     )
     select id, pg_notify($1, id) from moved`,
    [CANCELING, [...before('canceling'), 'canceling'], ...values],
  )
  return rows.length
}

/** The executions of a notebook that have not ended. */
export async function unfinishedExecutions(db: Queryable, notebookId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from executions where notebook_id = $1 and status in ${UNFINISHED}`,
    [notebookId],
  )
  return rows.map(({ id }) => id)
}

/** Ends whatever has not, in the transaction that deletes its notebook: no worker will come to it any more. */
export async function endAll(tx: Queryable, notebookId: string): Promise<void> {
  await tx.query(`update executions set status = 'canceling' where notebook_id = $1 and status = 'inProgress'`, [
    notebookId,
  ])
  await tx.query(
    `update executions set status = 'canceled', outputs_completed_at = clock_timestamp(), phase = 'finished'
     where notebook_id = $1 and status in ('queued', 'canceling')`,
    [notebookId],
  )
}
