/**
 * The second factor: a code that changes every 30 seconds, made of a key that the user's telephone has (TOTP, RFC 6238,
 * with SHA-1 and 6 digits, which is what such programs understand). A code is taken in its own period and the ones before
 * and after it, because clocks differ, and only once, by any service.
 */

import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { Vault } from './vault.ts'

export interface TwoFactorParts {
  readonly db: Queryable
  readonly vault: Vault
}

/** 32 bytes: 52 letters and digits in base32, as published. */
const KEY_BYTES = 32
const PERIOD_SECONDS = 30
const ISSUER = 'Fieldbook'

/** How long an offered key waits for the code that proves it. */
const OFFER_MS = 3_600_000

export interface OfferedKey {
  /** In base32. */
  readonly key: string
  /** The same as programs on telephones read it, `otpauth://totp/…`. */
  readonly keyUri: string
}

/** Makes a key for a user, which is in use once a code proves it. @throws invalid when one is in use */
export async function offerKey({ db, vault }: TwoFactorParts, userId: string, now: Date): Promise<OfferedKey> {
  const secret = randomBytes(KEY_BYTES)
  const user = await db.one<{ email: string }>(
    `with offered as (
       insert into two_factor as t (user_id, offered, offered_at) values ($1, $2, $3)
       on conflict (user_id) do update set offered = excluded.offered, offered_at = excluded.offered_at
         where t.secret is null
       returning user_id)
     select email from users join offered on user_id = id`,
    [userId, vault.seal(secret, userId), now],
  )
  // The statement sees the users of before it, and they are there: the caller is one.
  if (!user) throw invalid('Two-factor authentication is enabled already; disable it first')
  const totp = totpOf(secret, user.email)
  return { key: totp.secret.base32, keyUri: totp.toString() }
}

/**
 * Takes the offered key into use. `key` is the one the caller means, where they say it.
 * @throws invalid when there is none, it is another, or the code is not one of it; `field` is what messages call the proof
 */
export async function enable(
  { db, vault }: TwoFactorParts,
  userId: string,
  { code, key }: { readonly code: string; readonly key: string | undefined },
  now: Date,
  field: string,
): Promise<void> {
  const row = await db.one<{ offered: Buffer }>(
    'select offered from two_factor where user_id = $1 and secret is null and offered is not null and offered_at > $2',
    [userId, new Date(now.getTime() - OFFER_MS)],
  )
  if (!row)
    throw invalid('There is no key to enable; ask for one with generateTwoFactorAuth, which is good for an hour')
  const secret = vault.open(row.offered, userId)
  const totp = totpOf(secret)
  if (key !== undefined && key !== totp.secret.base32) {
    throw invalid(`${field}.twoFactorAuthKey is not the key that was generated last`)
  }
  const period = periodOf(totp, code, now)
  if (period === undefined) throw invalid(`${field}.twoFactorCode is not a code of the generated key`)
  const enabled = await db.one(
    `update two_factor set secret = offered, offered = null, offered_at = null, last_period = $3
     where user_id = $1 and offered = $2 and secret is null returning user_id`,
    [userId, row.offered, period],
  )
  if (!enabled) throw invalid('Another key was generated meanwhile; use that one')
}

/** Forgets the key: from now on a password is enough. */
export async function disable(db: Queryable, userId: string): Promise<void> {
  await db.query('delete from two_factor where user_id = $1', [userId])
}

/** Whether a user has to give a code. */
export async function isEnabled(db: Queryable, userId: string): Promise<boolean> {
  return (await db.one('select from two_factor where user_id = $1 and secret is not null', [userId])) !== undefined
}

/** Uses a code up, where the user needs one. */
export async function takeCode(
  { db, vault }: TwoFactorParts,
  userId: string,
  code: string | undefined,
  now: Date,
): Promise<'notNeeded' | 'right' | 'codeMissing' | 'wrongCode'> {
  const row = await db.one<{ secret: Buffer }>(
    'select secret from two_factor where user_id = $1 and secret is not null',
    [userId],
  )
  if (!row) return 'notNeeded'
  if (code === undefined) return 'codeMissing'
  const period = periodOf(totpOf(vault.open(row.secret, userId)), code, now)
  if (period === undefined) return 'wrongCode'
  const taken = await db.one(
    'update two_factor set last_period = $2 where user_id = $1 and secret = $3 and last_period < $2 returning user_id',
    [userId, period, row.secret],
  )
  return taken ? 'right' : 'wrongCode'
}

const totpOf = (secret: Buffer, label = '') =>
  new TOTP({
    issuer: ISSUER,
    label,
    secret: new Secret({ buffer: Uint8Array.from(secret).buffer }),
    period: PERIOD_SECONDS,
  })

/** As it may be typed: some programs show it in two halves. */
const CODE = /^\d{6}$/

/** The period that a code belongs to; undefined for one of none near now. */
function periodOf(totp: TOTP, code: string, now: Date): number | undefined {
  const token = code.replaceAll(' ', '')
  if (!CODE.test(token)) return undefined
  const delta = totp.validate({ token, timestamp: now.getTime(), window: 1 })
  return delta === null ? undefined : Math.floor(now.getTime() / 1000 / PERIOD_SECONDS) + delta
}
