/**
 * How a worker holds executions, and how they come back from one that is gone. A worker renews its leases; it is also
 * known by a lock of its own (presence.ts), so that a dead one is noticed long before its leases run out.
 */

import type { Queryable } from '../stores/postgres/database.ts'
import { MAX_ATTEMPTS, UNFINISHED } from './lifecycle.ts'
import { isPresent } from './presence.ts'
import type { Execution } from './record.ts'
import { HELD, type Holder, QUEUED } from './store.ts'

/** What a worker holds, as its renewal finds it. */
export interface Held extends Holder {
  readonly status: Execution['status']
}

/** Renews every lease of a worker and gives what it holds; an execution that is missing belongs to somebody else now. */
export function renewLeases(db: Queryable, workerId: string, leaseMs: number): Promise<Held[]> {
  return db.query<Held>(
    `update executions set lease_until = now() + $2 * interval '1 millisecond'
     where worker_id = $1 and status in ('inProgress', 'canceling') returning id, attempt, status`,
    [workerId, leaseMs],
  )
}

/** A held execution as other workers see it. */
export interface HeldElsewhere extends Holder {
  /** Changes with every renewal, and means nothing else to a reader. */
  readonly lease: string
  /** By the database's clock, which may have jumped. */
  readonly isOver: boolean
  /** Whether its worker has its lock. */
  readonly isAttended: boolean
}

/** Everything that workers other than this one hold. */
export function heldElsewhere(db: Queryable, workerId: string): Promise<HeldElsewhere[]> {
  return db.query<HeldElsewhere>(
    `select id, attempt, lease_until::text as lease, lease_until < now() as "isOver",
       ${isPresent('worker_id')} as "isAttended"
     from executions where status in ('inProgress', 'canceling') and worker_id is distinct from $1`,
    [workerId],
  )
}

/** The final status that this very attempt has written, if it has; one that was taken back has no worker any more. */
export async function endingOf(db: Queryable, { id, attempt }: Holder): Promise<Execution['status'] | undefined> {
  const row = await db.one<{ status: Execution['status'] }>(
    `select status from executions where id = $1 and attempt = $2 and worker_id is not null
       and status not in ${UNFINISHED}`,
    [id, attempt],
  )
  return row?.status
}

const OF_A_LOSS = `case when status = 'canceling' then 'canceled' when lost_attempts + 1 >= $4 then 'errored' else 'queued' end`

/**
 * Takes executions back from workers that are gone: they are queued again, canceled if that was asked for, or errored
 * once every attempt is used up. One whose lease was renewed since it was seen stays where it is. Gives their ids.
 */
export async function takeBack(
  db: Queryable,
  lost: readonly (Holder & { readonly lease?: string })[],
  why?: string,
): Promise<string[]> {
  if (lost.length === 0) return []
  const cause = `This was started ${MAX_ATTEMPTS} times, and each time its worker was lost${why ? `; the last time: ${why}` : ''}`
  const rows = await db.query<{ id: string }>(
    `with lost as (
       update executions set
         status = ${OF_A_LOSS},
         errors = case when ${OF_A_LOSS} = 'errored' then $5::jsonb else errors end,
         lost_attempts = lost_attempts + 1, ${backInQueue(OF_A_LOSS)}
       from unnest($1::text[], $2::integer[], $3::text[]) as seen (id, attempt, lease)
       where executions.id = seen.id and executions.attempt = seen.attempt and status in ('inProgress', 'canceling')
         and lease_until = coalesce(seen.lease::timestamptz, lease_until)
       returning executions.id
     )
     select id, pg_notify($6, id) from lost`,
    [
      lost.map(({ id }) => id),
      lost.map(({ attempt }) => attempt),
      lost.map(({ lease }) => lease ?? null),
      MAX_ATTEMPTS,
      JSON.stringify([{ name: 'WorkerLost', message: cause }]),
      QUEUED,
    ],
  )
  return rows.map(({ id }) => id)
}

const OF_A_RELEASE = `case when status = 'canceling' then 'canceled' else 'queued' end`

/**
 * Gives a run up unharmed, because its worker closes: it is queued again, which wakes the other workers, and it does not
 * count among the attempts that were lost.
 */
export async function releaseExecution(db: Queryable, holder: Holder): Promise<void> {
  await db.query(
    `with released as (
       update executions set status = ${OF_A_RELEASE}, ${backInQueue(OF_A_RELEASE)} where ${HELD} returning id
     )
     select pg_notify($3, id) from released`,
    [holder.id, holder.attempt, QUEUED],
  )
}

/**
 * What else changes when an execution loses its holder and becomes `status` (an expression). One that waits again has
 * none of its times: minutes are counted from them.
 */
function backInQueue(status: string): string {
  return `worker_id = null, lease_until = null,
    phase = case when ${status} = 'queued' then 'queued' else 'finished' end,
    outputs_completed_at = case when ${status} = 'queued' then null else clock_timestamp() end,
    started_at = case when ${status} = 'queued' then null else started_at end,
    inputs_completed_at = case when ${status} = 'queued' then null else inputs_completed_at end,
    notebook_completed_at = case when ${status} = 'queued' then null else notebook_completed_at end`
}
