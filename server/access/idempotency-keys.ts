/**
 * Requests that must not be done twice, by the key their caller gave them: a row before the work, the answer after it.
 * Work that can do so settles the row in its own transaction, so that the effect and the key never come apart.
 */

import { AppError, conflict, limited, unprocessable } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { before, type Pass, type Swept } from '../ground/sweep.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { Actor } from './callers.ts'

/** How long a key stands for its request. */
export const KEPT_MS = 86_400_000
/** Without a sign of life for so long, whoever was at a request is dead. */
export const LEASE_MS = 15_000
/** Keys of one caller at a time; each costs 200 bytes and its answer. */
export const MAX_KEYS = 10_000
/** When to ask again while the first is under way: most requests take less. */
const RETRY_SECONDS = 2
/** A row may vanish between two looks, when its request failed; then it is our turn. */
const LOOKS = 3

export interface Asked {
  readonly caller: Actor
  readonly keyHash: Buffer
  readonly fingerprint: Buffer
  /** Whether the work settles the row with its effect; then work that was lost unsettled was not done. */
  readonly settles: boolean
}

/** Who is at a request: the row, and which try at it. */
export interface Hold {
  readonly id: string
  readonly attempt: number
}

/** What was answered, enciphered; without `content` when it was too large to be kept. */
export interface KeptAnswer {
  readonly status: number
  readonly content: Buffer | null
}

export type Turn =
  | { readonly is: 'ours'; readonly hold: Hold }
  | { readonly is: 'answered'; readonly id: string; readonly answer: KeptAnswer }

export interface KeyRow extends Hold {
  readonly isSame: boolean
  readonly state: 'underWay' | 'settled' | 'answered'
  readonly isHeld: boolean
  readonly status: number | null
  readonly answer: Buffer | null
}

/**
 * Takes the turn for a request, or gives what it was answered with.
 * @throws unprocessable when the key stands for another request; conflict while the first is under way, and when nobody
 *   knows what became of it; limited when the caller has as many keys as it may
 */
export async function takeTurn(db: Queryable, asked: Asked): Promise<Turn> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const id = await reserve(db, asked)
    if (id !== undefined) return { is: 'ours', hold: { id, attempt: 1 } }
    const row = await readKey(db, asked)
    if (!row) continue
    const verdict = judge(row, asked.settles)
    if (verdict === 'replay')
      return { is: 'answered', id: row.id, answer: { status: row.status ?? 0, content: row.answer } }
    const hold = await takeOver(db, row)
    if (hold) return { is: 'ours', hold }
  }
  throw limited(
    `You have ${MAX_KEYS} requests with an Idempotency-Key within 24 hours, as many as are kept; ask without one`,
    { name: 'idempotencyKeys', of: 'installation', allowed: MAX_KEYS },
    KEPT_MS / 1000 / 24,
  )
}

/** What to do about a key that is there: tell its answer again, or do its work anew. @throws as takeTurn */
export function judge({ isSame, state, isHeld }: KeyRow, settles: boolean): 'replay' | 'again' {
  if (!isSame) {
    throw unprocessable('This Idempotency-Key stands for another request of yours; a new request needs a new key')
  }
  if (state === 'answered') return 'replay'
  if (isHeld) {
    const message = 'The first request with this Idempotency-Key is still under way; ask again for its answer'
    throw new AppError('conflict', message, { retryAfterSeconds: RETRY_SECONDS })
  }
  if (state === 'settled') return 'replay'
  if (settles) return 'again'
  throw conflict(
    'The service ended while the first request with this Idempotency-Key was under way, and whether it was done is not known; look, and ask with a new key if it was not',
  )
}

/** Undefined when the key is there already, or there are as many as there may be. */
async function reserve(db: Queryable, { caller, keyHash, fingerprint }: Asked): Promise<string | undefined> {
  const row = await db.one<{ id: string }>(
    `insert into idempotency_keys as known (id, caller_type, caller_id, key_hash, fingerprint, lease_until)
     select $1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 millisecond'
     where (select count(*) from idempotency_keys where caller_type = $2 and caller_id = $3 and created_at > ${KEPT_SINCE})
       < ${MAX_KEYS}
     on conflict (caller_type, caller_id, key_hash) do update
       set id = excluded.id, fingerprint = excluded.fingerprint, state = 'underWay', attempt = 1, status = null,
         answer = null, lease_until = excluded.lease_until, created_at = now()
       where known.created_at <= ${KEPT_SINCE}
     returning id`,
    [newId(), caller.type, caller.id, keyHash, fingerprint, LEASE_MS],
  )
  return row?.id
}

const KEPT_SINCE = `now() - interval '${KEPT_MS} milliseconds'`

const readKey = (db: Queryable, { caller, keyHash, fingerprint }: Asked) =>
  db.one<KeyRow>(
    `select id, attempt, fingerprint = $4 as "isSame", state, status, answer,
       lease_until > clock_timestamp() as "isHeld"
     from idempotency_keys
     where caller_type = $1 and caller_id = $2 and key_hash = $3 and created_at > ${KEPT_SINCE}`,
    [caller.type, caller.id, keyHash, fingerprint],
  )

/** From one who died before anything was settled. What that one still does carries an old attempt, and is rolled back. */
const takeOver = (db: Queryable, { id, attempt }: Hold) =>
  db.one<Hold>(
    `update idempotency_keys
     set attempt = attempt + 1, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     where id = $1 and attempt = $2 and state = 'underWay' and lease_until <= clock_timestamp()
     returning id, attempt`,
    [id, attempt, LEASE_MS],
  )

/** To be called last in the transaction that has the effect. @throws conflict when somebody else is at it by now */
export async function settle(tx: Queryable, { id, attempt }: Hold, { status, content }: KeptAnswer): Promise<void> {
  const won = await tx.one(
    `update idempotency_keys set state = 'settled', status = $3, answer = $4
     where id = $1 and attempt = $2 and state = 'underWay' returning id`,
    [id, attempt, status, content],
  )
  if (!won) throw conflict('Another request with this Idempotency-Key has taken the place of this one; ask again')
}

/** Writes down what is about to be answered. */
export async function keepAnswer(db: Queryable, { id, attempt }: Hold, { status, content }: KeptAnswer): Promise<void> {
  await db.query(
    `update idempotency_keys set state = 'answered', status = $3, answer = $4 where id = $1 and attempt = $2`,
    [id, attempt, status, content],
  )
}

/** Gives up the turn: the same key may be tried at once. What was settled stays, and is the answer to that. */
export async function release(db: Queryable, { id, attempt }: Hold): Promise<void> {
  await db.query(
    `with freed as (delete from idempotency_keys where id = $1 and attempt = $2 and state = 'underWay')
     update idempotency_keys set lease_until = clock_timestamp() where id = $1 and attempt = $2 and state = 'settled'`,
    [id, attempt],
  )
}

/** A sign of life from whoever is at these. */
export async function renew(db: Queryable, holds: readonly Hold[]): Promise<void> {
  await db.query(
    `update idempotency_keys set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     from unnest($1::text[], $2::int[]) as held (id, attempt)
     where idempotency_keys.id = held.id and idempotency_keys.attempt = held.attempt`,
    [holds.map(({ id }) => id), holds.map(({ attempt }) => attempt), LEASE_MS],
  )
}

/** Deletes keys whose time is over. */
export async function dropKeys(db: Queryable, pass: Pass): Promise<Swept> {
  const old = 'from idempotency_keys where created_at < $1'
  const sql = pass.isDryRun ? `select id ${old}` : `delete ${old} returning id`
  const values = [before(pass, KEPT_MS)]
  const row = await db.one<{ count: number }>(`with gone as (${sql}) select count(*)::int as count from gone`, values)
  return { count: row?.count ?? 0, bytes: 0 }
}
