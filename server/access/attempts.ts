/**
 * Failed sign-ins, counted in the database so that they count for every service of a cluster and after a restart. An
 * attempt is counted before its password is looked at and forgiven when it was right: a hundred tries sent at once are a
 * hundred, and not one. An address that nobody has is counted as one that somebody has.
 */

import { locked } from '../ground/errors.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { type BackOff, FAMILIAR_DAYS, FORGOTTEN_HOURS, OF_ACCOUNT, OF_NETWORK, waitAfter } from './back-off.ts'
import type { Vault } from './vault.ts'

/** What was counted for one attempt. */
export interface Attempt {
  /** The account and the network together. */
  readonly pair: Buffer
  /** Everything that was counted: the pair, and the account where the network is not one of its own. */
  readonly counted: readonly Buffer[]
}

/** Old rows that each attempt takes away; it leaves two at most. */
const SWEPT = 20

/**
 * Counts an attempt at an account, which is named by the id of its user or by an address that nobody has.
 * @throws locked while the account or the network has to wait
 */
export async function countAttempt(db: Database, vault: Vault, account: string, network: string): Promise<Attempt> {
  const pair = vault.digest('pair', account, network)
  const whole = vault.digest('account', account)
  return db.transaction(
    async (tx) => {
      await count(tx, pair, OF_NETWORK)
      const isFamiliar = await tx.one(
        'select from familiar_networks where key = $1 and last_at > now() - make_interval(days => $2)',
        [pair, FAMILIAR_DAYS],
      )
      if (!isFamiliar) await count(tx, whole, OF_ACCOUNT)
      await sweep(tx)
      return { pair, counted: isFamiliar ? [pair] : [pair, whole] }
    },
    { repeatable: true },
  )
}

/** Takes an attempt back that proved nothing: neither a failure nor a success. */
export async function forgiveAttempt(db: Queryable, { counted }: Attempt): Promise<void> {
  // One by one, in the order in which they are counted: two attempts never wait for each other.
  for (const key of counted) {
    await db.query(
      'update sign_in_attempts set failures = greatest(failures - 1, 0), locked_until = null where key = $1',
      [key],
    )
  }
}

/** After a success the failures of this network are forgotten, and it is known as one of the account's. */
export async function settleAttempt(db: Database, attempt: Attempt): Promise<void> {
  await db.transaction(
    async (tx) => {
      await forgiveAttempt(tx, attempt)
      await tx.query('delete from sign_in_attempts where key = $1', [attempt.pair])
      await tx.query(
        `insert into familiar_networks (key, last_at) values ($1, now())
         on conflict (key) do update set last_at = excluded.last_at`,
        [attempt.pair],
      )
      await tx.query(
        `delete from familiar_networks where key in (
           select key from familiar_networks where last_at < now() - make_interval(days => $1)
           limit $2 for update skip locked)`,
        [FAMILIAR_DAYS, SWEPT],
      )
    },
    { repeatable: true },
  )
}

async function count(tx: Queryable, key: Buffer, rule: BackOff): Promise<void> {
  const row = await tx.one<{ failures: number }>(
    `insert into sign_in_attempts as a (key, failures, last_at) values ($1, 1, clock_timestamp())
     on conflict (key) do update set
       failures = case when a.last_at < clock_timestamp() - make_interval(hours => $2) then 1 else a.failures + 1 end,
       last_at = excluded.last_at, locked_until = null
     where a.locked_until is null or a.locked_until <= clock_timestamp()
     returning failures`,
    [key, FORGOTTEN_HOURS],
  )
  if (!row) throw locked(await secondsLeft(tx, key))
  const seconds = waitAfter(row.failures, rule)
  if (seconds === 0) return
  await tx.query(
    'update sign_in_attempts set locked_until = clock_timestamp() + make_interval(secs => $2) where key = $1',
    [key, seconds],
  )
}

async function secondsLeft(tx: Queryable, key: Buffer): Promise<number> {
  const row = await tx.one<{ seconds: number }>(
    `select ceil(extract(epoch from locked_until - clock_timestamp()))::int as seconds
     from sign_in_attempts where key = $1`,
    [key],
  )
  return Math.max(1, row?.seconds ?? 1)
}

/** So that what anybody can write by guessing at addresses does not stay. */
async function sweep(tx: Queryable): Promise<void> {
  await tx.query(
    `delete from sign_in_attempts where key in (
       select key from sign_in_attempts where last_at < now() - make_interval(hours => $1)
       order by last_at limit $2 for update skip locked)`,
    [FORGOTTEN_HOURS, SWEPT],
  )
}
