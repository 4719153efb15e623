/** Users and their passwords. Hashes are argon2id with the library's defaults (19 MiB, 2 passes: OWASP's minimum). */

import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { forbidden, unauthenticated } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { hashPassword } from './passwords.ts'

/** What a token of a session says of its user. */
export interface SignedIn {
  readonly userId: string
  readonly generation: number
}

interface UserRow {
  id: string
  generation: number
  password_hash: string
}

/** Compared with when there is no such user, so that an unknown address costs the same time as a wrong password. */
const NOBODY = hash(randomBytes(16).toString('hex'))

/** The user with this e-mail address and password. @throws unauthenticated */
export async function checkPassword(db: Queryable, email: string, password: string): Promise<SignedIn> {
  const user = await db.one<UserRow>(
    'select id, generation, password_hash from users where lower(email) = lower($1) and disabled_at is null',
    [email],
  )
  const matches = await verify(user?.password_hash ?? (await NOBODY), password)
  if (!user || !matches) throw unauthenticated('The email or password is wrong')
  return { userId: user.id, generation: user.generation }
}

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
