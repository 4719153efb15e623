/**
 * The users of an installation as its owners manage them. Some owner who can sign in is always left: what would take the
 * last one away is refused, also when two of them try it on each other at the same moment.
 */

import type { User, UserPatch } from '../../contract/users.ts'
import { conflict, invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { disable } from './two-factor.ts'

export interface UserRow {
  id: string
  email: string
  created_at: Date
  is_owner: boolean
  disabled_at: Date | null
  has_password: boolean
  invitation_ends_at: Date | null
  application_count: number
  has_two_factor: boolean
  is_address_vouched: boolean
}

/** What is told of users, as a query without conditions. */
export const USERS = `select u.id, u.email, u.created_at, u.is_owner, u.disabled_at, u.is_address_vouched,
    u.password_hash is not null as has_password, i.expires_at as invitation_ends_at,
    (select count(*)::int from applications a where a.owner_id = u.id and a.deleted_at is null) as application_count,
    exists (select from two_factor t where t.user_id = u.id and t.secret is not null) as has_two_factor
  from users u left join invitations i on i.user_id = u.id`

export const toUser = (row: UserRow): User => ({
  id: row.id,
  userId: row.id,
  email: row.email,
  creationDate: row.created_at.toISOString(),
  isOwner: row.is_owner,
  status: row.disabled_at ? 'disabled' : row.has_password ? 'active' : 'invited',
  applicationCount: row.application_count,
  twoFactorAuthEnabled: row.has_two_factor,
  emailVerified: row.is_address_vouched,
  ...(row.invitation_ends_at ? { invitationEndsAt: row.invitation_ends_at.toISOString() } : {}),
})

/** @throws notFound */
export async function getUser(db: Queryable, id: string): Promise<User> {
  const row = await db.one<UserRow>(`${USERS} where u.id = $1`, [id])
  if (!row) throw notFound('User')
  return toUser(row)
}

/** The id of the user with this address. @throws notFound */
export async function findUser(db: Queryable, email: string): Promise<string> {
  const row = await db.one<{ id: string }>('select id from users where lower(email) = lower($1)', [email])
  if (!row) throw notFound(`A user ${email}`)
  return row.id
}

export interface NewUser {
  readonly email: string
  /** Without one they can't sign in until they have chosen a password (invitations.ts). */
  readonly passwordHash?: string | undefined
  readonly isOwner?: boolean | undefined
}

/**
 * Makes a user, whose address is vouched for by whoever makes them: they have what was offered to it. Gives the id.
 * @throws conflict when there is one already
 */
export async function createUser(db: Queryable, { email, passwordHash, isOwner = false }: NewUser): Promise<string> {
  const id = newId()
  const made = await db.one(
    `insert into users (id, email, password_hash, is_owner) values ($1, $2, $3, $4)
     on conflict (lower(email)) do nothing returning id`,
    [id, email, passwordHash ?? null, isOwner],
  )
  if (!made) throw taken(email)
  await takeOffers(db, id, email)
  return id
}

const taken = (email: string) => conflict(`There is a user ${email} already`)

/** What was offered to an address before it had a user who is vouched for, as this one has to be. */
async function takeOffers(db: Queryable, userId: string, email: string): Promise<void> {
  await db.query(
    `with taken as (delete from application_offers where email = lower($2) returning *)
     insert into application_members (application_id, user_id, role, created_at, offered_to, joined_at)
     select application_id, $1, role, created_at, email, null from taken
     where not exists (select from applications a where a.id = application_id and a.owner_id = $1)
     on conflict do nothing`,
    [userId, email],
  )
}

export type UserChange = Omit<UserPatch, 'password'> & { readonly passwordHash?: string | undefined }

/**
 * Changes a user. An address that is set is vouched for by that, the one they have as well. A new password, shutting out
 * and `endSessions` end all their sessions, on every service at once; their API tokens rest while they are shut out.
 * @throws notFound, conflict for the last owner or an address that is taken
 */
export async function patchUser(db: Database, id: string, change: UserChange): Promise<void> {
  const { email, isOwner, isDisabled, passwordHash, endSessions, twoFactorAuthEnabled } = change
  await db.transaction(async (tx) => {
    if (isOwner === false || isDisabled) await requireOtherOwner(tx, id)
    if (email !== undefined) await requireFree(tx, id, email)
    const found = await tx.one(
      `update users set email = coalesce($2, email), is_address_vouched = is_address_vouched or $2::text is not null,
         is_owner = coalesce($3, is_owner),
         disabled_at = case when $4::boolean is null then disabled_at when $4 then coalesce(disabled_at, now()) end,
         password_hash = coalesce($5, password_hash), generation = generation + $6, updated_at = now(),
         password_updated_at = case when $5::text is null then password_updated_at else now() end
       where id = $1 returning id`,
      [
        id,
        email ?? null,
        isOwner ?? null,
        isDisabled ?? null,
        passwordHash ?? null,
        isDisabled || passwordHash || endSessions ? 1 : 0,
      ],
    )
    if (!found) throw notFound('User')
    if (twoFactorAuthEnabled === false) await disable(tx, id)
    if (isDisabled || passwordHash || email !== undefined) {
      // Whoever has a link from before must not undo this with it.
      await tx.query('delete from invitations where user_id = $1', [id])
    }
    if (email !== undefined) await takeOffers(tx, id, email)
  })
}

async function requireFree(db: Queryable, id: string, email: string): Promise<void> {
  const other = await db.one('select id from users where lower(email) = lower($1) and id <> $2', [email, id])
  if (other) throw taken(email)
}

/** Locks every owner who could sign in, in one order, so that of two who would leave none the second sees the first. */
async function requireOtherOwner(tx: Queryable, id: string): Promise<void> {
  const owners = await tx.query<{ id: string }>(
    `select id from users where is_owner and disabled_at is null and password_hash is not null
     order by id for no key update`,
  )
  if (owners.some((owner) => owner.id === id) && owners.length === 1) {
    throw conflict('This is the last owner of the installation who can sign in; make another user one first')
  }
}

/** Deletes a user with their tokens and shares. @throws notFound, conflict when they own applications or are the last owner */
export async function deleteUser(db: Database, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    await requireOtherOwner(tx, id)
    const user = await tx.one<{ id: string }>('select id from users where id = $1 for update', [id])
    if (!user) throw notFound('User')
    const owned = await tx.query<{ name: string; is_deleted: boolean }>(
      'select name, deleted_at is not null as is_deleted from applications where owner_id = $1 order by name',
      [id],
    )
    const [first] = owned.filter(({ is_deleted }) => !is_deleted)
    if (first) {
      throw conflict(
        `This user owns ${owned.length} ${owned.length === 1 ? 'application' : 'applications'} ("${first.name}"); ` +
          `transfer them by POST /users/${id}/transfer, or delete them first`,
      )
    }
    if (owned.length > 0) {
      throw conflict('Applications of this user are still being removed; try again when that is done, or transfer them')
    }
    await tx.query('delete from users where id = $1', [id])
  })
}

/** Makes another user the owner of everything that one owns. Gives how many. @throws notFound, invalid */
export async function transferApplications(db: Database, from: string, to: string): Promise<number> {
  if (from === to) throw invalid('transfer.userId must be another user')
  return db.transaction(async (tx) => {
    const users = await tx.query<{ id: string; disabled_at: Date | null }>(
      'select id, disabled_at from users where id in ($1, $2) order by id for key share',
      [from, to],
    )
    if (!users.some(({ id }) => id === from)) throw notFound('User')
    const heir = users.find(({ id }) => id === to)
    if (!heir || heir.disabled_at) throw invalid('transfer.userId must be a user who is not shut out')
    const moved = await tx.query<{ id: string }>(
      'update applications set owner_id = $2, updated_at = now() where owner_id = $1 returning id',
      [from, to],
    )
    await tx.query(`delete from application_members where user_id = $2 and application_id = any($1)`, [
      moved.map(({ id }) => id),
      to,
    ])
    return moved.length
  })
}
