/** The users of an installation: who owns it, and the first one. */

import { randomBytes } from 'node:crypto'
import { forbidden } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { hashPassword } from './passwords.ts'

/** Lets only an owner of the installation through. @throws forbidden */
export async function requireOwner(db: Queryable, userId: string): Promise<void> {
  const owner = await db.one('select from users where id = $1 and is_owner', [userId])
  if (!owner) throw forbidden()
}

/** The password that was made for a first user who was given none; the caller shows it once and forgets it. */
export type MadePassword = string

/**
 * Makes the first user of an empty installation. Gives the password when one had to be made, undefined when one was
 * given or there are users already.
 */
export async function ensureFirstUser(
  db: Queryable,
  email: string,
  password: string | undefined,
): Promise<MadePassword | undefined> {
  const { count = 0 } = (await db.one<{ count: number }>('select count(*)::int as count from users')) ?? {}
  if (count > 0) return undefined
  const made = password ? undefined : randomBytes(12).toString('base64url')
  await db.query(
    `insert into users (id, email, password_hash, is_owner) values ($1, $2, $3, true) on conflict (lower(email)) do nothing`,
    [newId(), email, await hashPassword(password ?? made ?? '')],
  )
  return made
}
