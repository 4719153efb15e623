/**
 * Who an application is shared with. Whoever shares learns of no address whether it is a user's: an offer is kept and
 * shown in the words it was made in, whether they reach somebody or not, until that user has looked. It works from the
 * start. What is offered to an address waits for a user whose it is, as an owner of the installation knows: not for one who
 * has just given it to themselves (access/accounts.ts). Of an id it is told whether a user has it,
 * and nothing else of them: an offer to an id that nobody has would wait for ever.
 */

import type { Member, MemberPost } from '../../contract/members.ts'
import type { Role } from '../../contract/scopes.ts'
import { conflict, forbidden, full, invalid, notFound } from '../ground/errors.ts'
import { isId } from '../ground/ids.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'

interface MemberRow {
  user_id: string | null
  email: string
  role: Role
  status: Member['status']
  created_at: Date
  offered_to: string | null
}

/** Members and offers of one application. */
const MAX_MEMBERS = 500

const toMember = ({ user_id, email, role, status, created_at, offered_to }: MemberRow): Member => ({
  ...(status === 'offered' && offered_to !== null ? namedAs(offered_to) : { userId: user_id ?? '', email }),
  role,
  status,
  creationDate: created_at.toISOString(),
})

const namedAs = (name: string) => (isId(name) ? { userId: name } : { email: name })

const MEMBERS = `
  select a.owner_id as user_id, u.email, 'admin' as role, 'owner' as status, a.created_at, null as offered_to
  from applications a join users u on u.id = a.owner_id where a.id = $1
  union all
  select m.user_id, u.email, m.role, case when m.joined_at is null then 'offered' else 'joined' end, m.created_at,
    m.offered_to
  from application_members m join users u on u.id = m.user_id where m.application_id = $1
  union all
  select null, email, role, 'offered', created_at, email from application_offers where application_id = $1`

/** All of them, the owner first, then in the order of their offers. */
export async function listMembers(db: Queryable, applicationId: string): Promise<Member[]> {
  const rows = await db.query<MemberRow>(
    `select * from (${MEMBERS}) as members order by status <> 'owner', created_at, offered_to`,
    [applicationId],
  )
  return rows.map(toMember)
}

/**
 * Offers a share. The same offer again changes its role.
 * @throws invalid without one of address and id, notFound for an id that no user has, conflict for those who are in already
 */
export async function offerShare(db: Database, applicationId: string, post: MemberPost): Promise<Member> {
  const { userId = '', email = '', role } = post
  if ((userId === '') === (email === '')) throw invalid('member must have either email or userId')
  const name = (userId || email).toLowerCase()
  return db.transaction(async (tx) => {
    const { owner_id } = await lockApplication(tx, applicationId)
    const members = await listMembers(tx, applicationId)
    const user = await tx.one<{ id: string }>(
      'select id from users where id = $1 or (lower(email) = $1 and is_address_vouched)',
      [name],
    )
    if (userId && !user) throw notFound('User')
    const seen = members.filter(({ status }) => status !== 'offered')
    if (user?.id === owner_id || seen.some((member) => member.userId === user?.id)) {
      throw conflict(`${name} is in this application already; change the role of a member by PATCH`)
    }
    if (members.length >= MAX_MEMBERS) {
      throw full(`An application has at most ${MAX_MEMBERS} members and offers`, {
        name: 'members',
        of: 'application',
        allowed: MAX_MEMBERS,
        used: members.length,
      })
    }
    const row =
      (user && (await offerTo(tx, applicationId, user.id, name, role))) ||
      (await offerAhead(tx, applicationId, name, role))
    return { ...namedAs(name), role, status: 'offered', creationDate: row.created_at.toISOString() }
  })
}

type Made = { created_at: Date }

/** Undefined when the same user was offered it under another name, which this one must not be seen to belong to. */
async function offerTo(tx: Queryable, applicationId: string, userId: string, name: string, role: Role) {
  return tx.one<Made>(
    `insert into application_members (application_id, user_id, role, offered_to, joined_at) values ($1, $2, $3, $4, null)
     on conflict (application_id, user_id) do update set role = $3 where application_members.offered_to = $4
     returning created_at`,
    [applicationId, userId, role, name],
  )
}

async function offerAhead(tx: Queryable, applicationId: string, email: string, role: Role): Promise<Made> {
  if (isId(email)) throw conflict('This user was offered it already, by their address')
  const row = await tx.one<Made>(
    `insert into application_offers (application_id, email, role) values ($1, $2, $3)
     on conflict (application_id, email) do update set role = $3 returning created_at`,
    [applicationId, email, role],
  )
  if (!row) throw new Error('the insert gave no row')
  return row
}

/** A member by id, and an offer by the words it was made in. */
const IS_NAMED = '(case when joined_at is null then offered_to else user_id end) = $2'

/** Changes a role. @throws notFound, conflict for the owner */
export async function patchMember(db: Database, applicationId: string, name: string, role: Role): Promise<Member> {
  const lower = name.toLowerCase()
  return db.transaction(async (tx) => {
    await requireNotOwner(tx, applicationId, lower)
    const changed = await changeEither(tx, [
      [
        `update application_members set role = $3 where application_id = $1 and ${IS_NAMED} returning 1`,
        [applicationId, lower, role],
      ],
      [
        'update application_offers set role = $3 where application_id = $1 and email = $2 returning 1',
        [applicationId, lower, role],
      ],
    ])
    const members = changed ? await listMembers(tx, applicationId) : []
    const isNamed = ({ userId, email, status }: Member) => userId === lower || (status === 'offered' && email === lower)
    const member = members.find(isNamed)
    if (!member) throw notFound('Member')
    return member
  })
}

/** Ends a share or takes an offer back. @throws notFound, conflict for the owner */
export async function removeMember(db: Database, applicationId: string, name: string): Promise<void> {
  const lower = name.toLowerCase()
  await db.transaction(async (tx) => {
    await requireNotOwner(tx, applicationId, lower)
    const removed = await changeEither(tx, [
      [`delete from application_members where application_id = $1 and ${IS_NAMED} returning 1`, [applicationId, lower]],
      ['delete from application_offers where application_id = $1 and email = $2 returning 1', [applicationId, lower]],
    ])
    if (!removed) throw notFound('Member')
  })
}

/** A user leaves, whether they have looked yet or not. Gives whether there was a share. */
export async function leave(db: Queryable, applicationId: string, userId: string): Promise<boolean> {
  const gone = await db.query(
    'delete from application_members where application_id = $1 and user_id = $2 returning 1',
    [applicationId, userId],
  )
  return gone.length > 0
}

async function changeEither(tx: Queryable, statements: [text: string, values: unknown[]][]): Promise<boolean> {
  let changed = 0
  for (const [text, values] of statements) changed += (await tx.query(text, values)).length
  return changed > 0
}

async function requireNotOwner(tx: Queryable, applicationId: string, userId: string): Promise<void> {
  const { owner_id } = await lockApplication(tx, applicationId)
  if (owner_id === userId) throw conflict('The owner of an application is its admin; give it to another user first')
}

/** Changes of one application's shares wait for each other. @throws notFound */
async function lockApplication(tx: Queryable, applicationId: string): Promise<{ owner_id: string }> {
  const row = await tx.one<{ owner_id: string }>(
    'select owner_id from applications where id = $1 and deleted_at is null for no key update',
    [applicationId],
  )
  if (!row) throw notFound('Application')
  return row
}

/** Notes that a user has looked at what they were offered: from now on they are shown by name. */
export async function joinOffered(db: Queryable, userId: string): Promise<void> {
  const offered = await db.one(
    'select 1 as one from application_members where user_id = $1 and joined_at is null limit 1',
    [userId],
  )
  if (!offered) return
  await db.query('update application_members set joined_at = now() where user_id = $1 and joined_at is null', [userId])
}

/**
 * Makes a member the owner; the one before stays as an admin.
 * @throws forbidden for anybody but the owner, invalid when the other is not a member who has looked
 */
export async function giveApplication(db: Database, applicationId: string, from: string, to: string): Promise<void> {
  await db.transaction(async (tx) => {
    const { owner_id } = await lockApplication(tx, applicationId)
    if (owner_id !== from) throw forbidden('Only the owner of an application may give it to another user')
    const heir = await tx.one(
      `delete from application_members m using users u
       where m.application_id = $1 and m.user_id = $2 and m.joined_at is not null
         and u.id = m.user_id and u.disabled_at is null returning 1 as one`,
      [applicationId, to],
    )
    if (!heir) throw invalid('owner.userId must be a member who has joined; share the application with them first')
    await tx.query('update applications set owner_id = $2, updated_at = now() where id = $1', [applicationId, to])
    await tx.query(`insert into application_members (application_id, user_id, role) values ($1, $2, 'admin')`, [
      applicationId,
      from,
    ])
  })
}
