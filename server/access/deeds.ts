/**
 * Who did what, written down: a row before a deed and its outcome after it. Neither write waits for the disk. A commit
 * of PostgreSQL makes durable whatever was committed before it, so a deed that is there after a crash has its row, too.
 */

import { newId } from '../ground/ids.ts'
import { before, type Pass, type Swept } from '../ground/sweep.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { Actor } from './callers.ts'

export interface Deed {
  /** Undefined for what is about the installation. */
  readonly applicationId: string | undefined
  /** Undefined for somebody who is not known. */
  readonly actor: Actor | undefined
  readonly operation: string
  /** The ids and names of its path. */
  readonly path: Readonly<Record<string, string>>
  /** Names of what the body had at its top. */
  readonly fields: readonly string[]
  readonly clientAddress: string | undefined
  readonly requestId: string | undefined
  readonly idempotencyId?: string | undefined
  /** What is known from the beginning: that it is refused. */
  readonly status?: number
}

export interface Outcome {
  readonly status: number
  /** What the deed made or queued. */
  readonly madeId?: string | undefined
}

/** SQL of an actor's name, of columns `actor_type` and `actor_id`. */
const NAME = `case actor_type
  when 'user' then (select email from users where id = actor_id)
  when 'apiToken' then (select name from api_tokens where id = actor_id)
  when 'device' then (select name from devices where id = actor_id) end`

/** Without waiting for the disk: true for the statement it stands in, which is a transaction of its own. */
const AT_ONCE = `(select set_config('synchronous_commit', 'off', true)) as at_once`

/** Writes down what is about to be done, and gives the id of the row. */
export async function writeDeed(db: Queryable, deed: Deed): Promise<string> {
  const id = newId()
  await db.query(
    `insert into audit_log (id, application_id, actor_type, actor_id, actor_name, operation, path, fields, status,
       client_address, request_id, idempotency_id)
     select $1, $2, actor_type, actor_id, ${NAME}, $5, $6, $7, $8, $9, $10, $11
     from (select $3::text as actor_type, $4::text as actor_id) as actor, ${AT_ONCE}`,
    [
      id,
      deed.applicationId ?? null,
      deed.actor?.type ?? null,
      deed.actor?.id ?? null,
      deed.operation,
      JSON.stringify(deed.path),
      deed.fields,
      deed.status ?? null,
      deed.clientAddress ?? null,
      deed.requestId ?? null,
      deed.idempotencyId ?? null,
    ],
  )
  return id
}

/** Writes down how it ended. */
export async function writeOutcome(db: Queryable, id: string, { status, madeId }: Outcome): Promise<void> {
  await db.query(`update audit_log set status = $2, made_id = $3 from ${AT_ONCE} where id = $1`, [
    id,
    status,
    madeId ?? null,
  ])
}

/** Many deeds of one kind within a minute. */
export interface CountedDeed extends Pick<Deed, 'applicationId' | 'actor' | 'operation' | 'path' | 'clientAddress'> {
  readonly status: number
  /** The address that somebody gave who is not known by anything else; kept only where a user has it. */
  readonly email?: string | undefined
  readonly at: Date
  readonly count: number
}

/** Adds to the rows of their minutes. */
export async function writeCounted(db: Queryable, deeds: readonly CountedDeed[]): Promise<void> {
  if (deeds.length === 0) return
  const rows = deeds.map(({ applicationId, actor, at, count, ...deed }) => ({
    id: newId(),
    application_id: applicationId,
    actor_type: actor?.type,
    actor_id: actor?.id,
    operation: deed.operation,
    path: deed.path,
    status: deed.status,
    client_address: deed.clientAddress,
    email: deed.email,
    at: at.toISOString(),
    count,
  }))
  await db.query(
    `insert into audit_log (id, application_id, actor_type, actor_id, actor_name, operation, path, status, client_address,
       at, count, counted_by)
     select min(id), application_id, actor_type, actor_id, min(${NAME}), operation, path, status, client_address, min(at),
       sum(count), by
     from (
       select *, concat_ws(' ', date_trunc('minute', at)::text, coalesce(application_id, '-'), coalesce(actor_id, '-'),
         operation, path::text, status, coalesce(client_address, '-')) as by
       from (
         select given.id, given.application_id, case when users.id is null then given.actor_type else 'user' end
           as actor_type, coalesce(users.id, given.actor_id) as actor_id, operation, path, status, client_address, at, count
         from jsonb_to_recordset($1::jsonb) as given (id text, application_id text, actor_type text, actor_id text,
           operation text, path jsonb, status smallint, client_address text, email text, at timestamptz, count int)
         left join users on lower(users.email) = lower(given.email)
       ) as known
     ) as keyed
     group by by, application_id, actor_type, actor_id, operation, path, status, client_address
     order by by
     on conflict (counted_by) do update set count = audit_log.count + excluded.count`,
    [JSON.stringify(rows)],
  )
}

/** Deletes what is older than deeds are kept, a part at a time. */
export async function dropDeeds(db: Queryable, pass: Pass, ageMs: number): Promise<Swept> {
  const values = [before(pass, ageMs)]
  if (pass.isDryRun) {
    const row = await db.one<{ count: number }>('select count(*)::int as count from audit_log where at < $1', values)
    return { count: row?.count ?? 0, bytes: 0 }
  }
  for (let count = 0; ; ) {
    pass.signal.throwIfAborted()
    const row = await db.one<{ count: number }>(
      `with old as (select id from audit_log where at < $1 order by at limit ${BATCH}),
         gone as (delete from audit_log using old where audit_log.id = old.id returning 1)
       select count(*)::int as count from gone`,
      values,
    )
    count += row?.count ?? 0
    if ((row?.count ?? 0) < BATCH) return { count, bytes: 0 }
  }
}

const BATCH = 5000
