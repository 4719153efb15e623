/**
 * Whether a caller is still good, and what they are in an application: never taken from the token, so that a token that
 * was revoked, a user who was shut out and a share that ended are so at once.
 */

import type { ApplicationKey } from '../../contract/application-keys.ts'
import { ROLES, type Role } from '../../contract/scopes.ts'
import { forbidden, notFound, unauthenticated } from '../ground/errors.ts'
import { prepared, type Queryable } from '../stores/postgres/database.ts'
import { admits } from './address-filter.ts'
import type { ApplicationCaller, Caller, DeviceCaller, UserCaller } from './callers.ts'
import { addressFilterOf, COVERS } from './device-keys.ts'
import { seenBy } from './device-sight.ts'

export interface Standing {
  /** What the token stands for is there and has not been revoked. */
  readonly is_good: boolean
  /** In the application that was asked for; null where the caller has none to see. */
  readonly role: Role | null
  /** Of a device: whether it may see the one that was asked for. */
  readonly sees?: boolean
  /** Of a device: what its key says of addresses. */
  readonly told?: Pick<ApplicationKey, 'addressFilterType' | 'addresses'>
}

/** What is said of one request that only devices are asked about. */
export interface Visit {
  /** The device that the path names. */
  readonly deviceId?: string | undefined
  /** Where it comes from. */
  readonly address?: string
}

/** How the two questions below are answered: by the database, or from what it said just now (standings.ts). */
type Asks = (caller: Caller, applicationId: string | null, visit?: Visit) => Promise<Standing | undefined>

/** Refuses a caller who is not good any more. @throws unauthenticated */
export async function requireGood(ask: Asks, caller: Caller, visit: Visit = {}): Promise<void> {
  await standingOf(ask, caller, null, visit)
}

/**
 * Lets a caller into an application, when they are at least `role` in it, and a device to what it may see there. Absent
 * and foreign look the same. Gives what they are.
 * @throws unauthenticated, notFound, forbidden when they may see it but not do this
 */
export async function enter(
  ask: Asks,
  caller: Caller,
  applicationId: string,
  role: Role,
  visit: Visit = {},
): Promise<Role> {
  const standing = await standingOf(ask, caller, applicationId, visit)
  if (standing.role === null) throw notFound('Application')
  if (!reaches(standing.role, role)) {
    throw forbidden(`This needs the role ${role} in the application; yours is ${standing.role}`)
  }
  if (standing.sees === false) throw notFound('Device')
  return standing.role
}

/** Whether somebody of a role may do what needs another. */
export const reaches = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed)

async function standingOf(ask: Asks, caller: Caller, applicationId: string | null, visit: Visit): Promise<Standing> {
  const standing = await ask(caller, applicationId, visit)
  if (!standing?.is_good) throw unauthenticated('Invalid access token')
  if (standing.told && !admits(addressFilterOf(standing.told), visit.address ?? '')) {
    throw unauthenticated('Invalid access token')
  }
  return standing
}

/** Asks the database; undefined when what the token stands for is not there. */
export function readStanding(
  db: Queryable,
  caller: Caller,
  applicationId: string | null,
  visit: Visit = {},
): Promise<Standing | undefined> {
  if (caller.kind === 'user') return ofUser(db, caller, applicationId)
  return caller.kind === 'device'
    ? ofDevice(db, caller, applicationId, visit)
    : ofApplication(db, caller, applicationId)
}

const OF_USER = prepared(`select u.disabled_at is null
      and ($3::int is null or u.generation = $3)
      and ($5::timestamptz is null or u.token_cutoff is null or u.token_cutoff <= $5)
      and ($4::text is null or exists (
        select from api_tokens t where t.id = $4 and t.user_id = u.id and t.status = 'active'
          and (t.expires_at is null or t.expires_at > now()))) as is_good,
     case when a.owner_id = u.id then 'admin' else m.role end as role
   from users u
   left join applications a on a.id = $2 and a.deleted_at is null
   left join application_members m on m.application_id = a.id and m.user_id = u.id
   where u.id = $1`)

const ofUser = (db: Queryable, { userId, tokenId, generation, session }: UserCaller, applicationId: string | null) =>
  db.one<Standing>(OF_USER, [userId, applicationId, generation ?? null, tokenId ?? null, session?.begunAt ?? null])

/** Its own application's token may all that its scope says; scopes, not roles, are what it was bounded with. */
const ofApplication = (db: Queryable, caller: ApplicationCaller, applicationId: string | null) =>
  db.one<Standing>(
    `select t.status = 'active' and (t.expires_at is null or t.expires_at > now()) as is_good,
       case when a.id = $2 then 'admin' end as role
     from api_tokens t join applications a on a.id = t.application_id and a.deleted_at is null
     where t.id = $1 and t.application_id = $3`,
    [caller.tokenId, applicationId, caller.applicationId],
  )

/** A device may change and read what it may see, as long as its key is for it. */
const OF_DEVICE = prepared(`select k.status = 'active' and ${COVERS} as is_good, k.told,
     case when a.id = $2 then 'editor' end as role,
     $5::text is null or exists (
       select from devices o where o.id = $5 and o.application_id = a.id and ${seenBy('d.id', 'o')}) as sees
   from application_keys k
   join applications a on a.id = k.application_id and a.deleted_at is null
   join devices d on d.id = $4 and d.application_id = a.id and d.deleted_at is null
   where k.id = $1 and k.application_id = $3`)

const ofDevice = (db: Queryable, caller: DeviceCaller, applicationId: string | null, { deviceId }: Visit) =>
  db.one<Standing>(OF_DEVICE, [caller.keyId, applicationId, caller.applicationId, caller.deviceId, deviceId ?? null])
