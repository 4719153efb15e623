/** A user's own account: what they tell of themselves, their password, how their sessions end, and their end. */

import type { MePatch } from '../../contract/me.ts'
import { conflict, invalid, unauthenticated } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { deleteUser } from './accounts.ts'
import { type AccountParts, proveAgain, type SignedIn } from './sign-in.ts'
import { tellStandings } from './standings.ts'

/** As the contract tells it, without what others know of the user's applications. */
export interface Account {
  readonly id: string
  readonly userId: string
  readonly creationDate: string
  readonly lastUpdated: string
  readonly passwordLastUpdated: string
  readonly email: string
  readonly emailVerified: boolean
  readonly needsToVerifyEmail: boolean
  readonly twoFactorAuthEnabled: boolean
  readonly ssoLinked: boolean
  readonly fullName?: string
  readonly tokenCutoff?: string
}

/** Columns by the names of the contract. */
const PROFILE = {
  firstName: 'first_name',
  lastName: 'last_name',
  companyName: 'company_name',
  title: 'title',
  phoneNumber: 'phone_number',
  location: 'location',
  url: 'url',
} as const

type ProfileName = keyof typeof PROFILE
const profileNames = Object.keys(PROFILE).filter((name): name is ProfileName => Object.hasOwn(PROFILE, name))

interface Row extends Record<(typeof PROFILE)[ProfileName], string | null> {
  readonly id: string
  readonly email: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly password_updated_at: Date
  readonly token_cutoff: Date | null
  readonly is_address_vouched: boolean
  readonly has_two_factor: boolean
}

/** What a user is told of themselves; nothing of it is a secret. @throws unauthenticated when they are gone */
export async function readAccount(db: Queryable, userId: string): Promise<Account> {
  const row = await db.one<Row>(
    `select id, email, ${Object.values(PROFILE).join(', ')}, created_at, updated_at, password_updated_at, token_cutoff,
       is_address_vouched,
       exists (select from two_factor where user_id = id and secret is not null) as has_two_factor
     from users where id = $1`,
    [userId],
  )
  if (!row) throw unauthenticated('Invalid access token')
  const told = profileNames.flatMap((name) => (row[PROFILE[name]] === null ? [] : [[name, row[PROFILE[name]]]]))
  const fullName = [row.first_name, row.last_name].filter(Boolean).join(' ')
  return {
    id: row.id,
    userId: row.id,
    creationDate: row.created_at.toISOString(),
    lastUpdated: row.updated_at.toISOString(),
    passwordLastUpdated: row.password_updated_at.toISOString(),
    email: row.email,
    ...Object.fromEntries(told),
    ...(fullName ? { fullName } : {}),
    ...(row.token_cutoff ? { tokenCutoff: row.token_cutoff.toISOString() } : {}),
    // No mail asks for it: an owner of the installation knows whom they make or invite.
    emailVerified: row.is_address_vouched,
    needsToVerifyEmail: false,
    twoFactorAuthEnabled: row.has_two_factor,
    ssoLinked: false,
  }
}

/**
 * Changes what the patch names. An address or a password is changed only for who proves it again; a new password ends all
 * sessions. @throws invalid, conflict when the address is another user's, locked
 */
export async function patchAccount(
  parts: AccountParts,
  userId: string,
  { email, password, tokenCutoff, currentCredentials, ...profile }: MePatch,
  network: string,
): Promise<void> {
  if (tokenCutoff !== undefined) requirePast(tokenCutoff)
  if (email !== undefined || password !== undefined) {
    if (!currentCredentials) throw invalid('user.currentCredentials is required to change email or password')
    await proveAgain(parts, userId, currentCredentials, network, 'user.currentCredentials')
  }
  const hash = password === undefined ? undefined : await parts.passwords.hash(password)
  await parts.db.transaction(async (tx) => {
    if (email !== undefined) await changeEmail(tx, userId, email)
    if (hash !== undefined) await storePassword(tx, userId, hash, true)
    const columns = profileNames.filter((name) => profile[name] !== undefined)
    const set = columns.map((name, index) => `, ${PROFILE[name]} = $${index + 3}`).join('')
    await tx.query(
      `update users set updated_at = now(),
         token_cutoff = case when $2::timestamptz is null then token_cutoff
           else greatest(token_cutoff, date_trunc('milliseconds', least($2, now()))) end${set}
       where id = $1`,
      [userId, tokenCutoff ?? null, ...columns.map((name) => profile[name])],
    )
    if (tokenCutoff !== undefined) await tellStandings(tx)
  })
}

/**
 * Changes the password of who proves the old one, and gives what a new session is to say.
 * @throws invalid, locked, unauthenticated when the user is gone
 */
export async function changePassword(
  parts: AccountParts,
  userId: string,
  change: {
    readonly password: string
    readonly twoFactorCode?: string | undefined
    readonly newPassword: string
    readonly invalidateExistingTokens?: boolean | undefined
  },
  network: string,
): Promise<SignedIn> {
  await proveAgain(parts, userId, change, network, 'data')
  const hash = await parts.passwords.hash(change.newPassword)
  const generation = await storePassword(parts.db, userId, hash, change.invalidateExistingTokens ?? true)
  return { userId, generation }
}

/**
 * Deletes a user who proves who they are, with their tokens and what was shared with them.
 * @throws invalid, locked; conflict as deleteUser has it
 */
export async function deleteAccount(
  parts: AccountParts,
  userId: string,
  credentials: { readonly email: string; readonly password: string; readonly twoFactorCode?: string | undefined },
  network: string,
): Promise<void> {
  const { email } = await readAccount(parts.db, userId)
  if (email.toLowerCase() !== credentials.email.toLowerCase()) {
    throw invalid("credentials.email is not the user's own address")
  }
  await proveAgain(parts, userId, credentials, network, 'credentials')
  await deleteUser(parts.db, userId)
}

/** Clocks of clients that say now. */
const CLOCKS_MS = 300_000

/** A cut-off to come would refuse tokens that are not made yet. */
function requirePast(moment: string): void {
  if (Date.parse(moment) > Date.now() + CLOCKS_MS) throw invalid('user.tokenCutoff must not be in the future')
}

const taken = () => conflict('user.email is the address of another user')

/** Nobody vouches for the new address, so that what is offered to it waits: it may be somebody else's. */
async function changeEmail(tx: Queryable, userId: string, email: string): Promise<void> {
  const other = await tx.one('select from users where lower(email) = lower($1) and id <> $2', [email, userId])
  if (other) throw taken()
  const change = `update users set email = $2, is_address_vouched = is_address_vouched and lower(email) = lower($2)
    where id = $1`
  await tx.query(change, [userId, email]).catch((error: unknown) => {
    // Somebody else took it since.
    throw error instanceof Error && 'code' in error && error.code === '23505' ? taken() : error
  })
  await forgetInvitation(tx, userId)
}

async function storePassword(db: Queryable, userId: string, hash: string, endsSessions: boolean): Promise<number> {
  const row = await db.one<{ generation: number }>(
    `update users set password_hash = $2, password_updated_at = now(), updated_at = now(),
       generation = generation + $3::int
     where id = $1 returning generation`,
    [userId, hash, endsSessions ? 1 : 0],
  )
  if (!row) throw unauthenticated('Invalid access token')
  await forgetInvitation(db, userId)
  return row.generation
}

/** Whoever has a link from before must not undo this with it. */
async function forgetInvitation(db: Queryable, userId: string): Promise<void> {
  await db.query('delete from invitations where user_id = $1', [userId])
}
