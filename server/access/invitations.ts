/**
 * Invitations: a secret that is told once and lets whoever has it choose the password of an account, once and for a week.
 * The database has its hash alone. A new one for the same user voids the one before.
 */

import { randomBytes } from 'node:crypto'
import { conflict, notFound, unauthenticated } from '../ground/errors.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { hashSecret } from './device-keys.ts'

export interface MadeInvitation {
  readonly secret: string
  readonly expiresAt: Date
}

export const INVITATION_MS = 7 * 86_400_000

/** As many bits as nobody guesses, so that a fast hash of it is enough. */
const SECRET_BYTES = 32

/** Invites a user, with or without a password. @throws notFound, conflict when they are shut out */
export async function invite(db: Queryable, userId: string): Promise<MadeInvitation> {
  const user = await db.one<{ disabled_at: Date | null }>('select disabled_at from users where id = $1', [userId])
  if (!user) throw notFound('User')
  if (user.disabled_at) throw conflict('This user is disabled; enable them first')
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const row = await db.one<{ expires_at: Date }>(
    `insert into invitations (user_id, secret_hash, expires_at) values ($1, $2, now() + $3 * interval '1 millisecond')
     on conflict (user_id) do update
       set secret_hash = excluded.secret_hash, expires_at = excluded.expires_at, created_at = now()
     returning expires_at`,
    [userId, hashSecret(secret), INVITATION_MS],
  )
  if (!row) throw new Error('the insert gave no row')
  return { secret, expiresAt: row.expires_at }
}

const GOOD = `from invitations i join users u on u.id = i.user_id
  where i.secret_hash = $1 and i.expires_at > now() and u.disabled_at is null`

/**
 * Uses an invitation up: the password is the user's from now on, and their sessions of before end. Gives who it was for.
 * @throws unauthenticated in the same words whether it never was, was used, or has ended
 */
export async function acceptInvitation(
  db: Database,
  secret: string,
  hashPassword: () => Promise<string>,
): Promise<{ readonly userId: string; readonly email: string; readonly generation: number }> {
  const refusal = () => unauthenticated('The invitation is not known, was used, or has ended; ask for a new one')
  // Hashing costs 20 ms, which a guess is not worth.
  if (!(await db.one(`select i.user_id ${GOOD}`, [hashSecret(secret)]))) throw refusal()
  const passwordHash = await hashPassword()
  return db.transaction(async (tx) => {
    const used = await tx.one<{ user_id: string }>(
      `delete from invitations where user_id = (select i.user_id ${GOOD}) and secret_hash = $1 returning user_id`,
      [hashSecret(secret)],
    )
    if (!used) throw refusal()
    const user = await tx.one<{ email: string; generation: number }>(
      `update users set password_hash = $2, password_updated_at = now(), updated_at = now(), generation = generation + 1
       where id = $1 and disabled_at is null
       returning email, generation`,
      [used.user_id, passwordHash],
    )
    if (!user) throw refusal()
    return { userId: used.user_id, ...user }
  })
}
