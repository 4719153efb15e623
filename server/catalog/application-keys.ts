/**
 * Access keys: made, listed, changed and deleted. The secret is kept as its hash, which is enough for a random one of 256
 * bits, and can't be told again. Which devices a key is for is asked with each sign-in and each request (access/).
 */

import { randomBytes, randomUUID } from 'node:crypto'
import type {
  ApplicationKey,
  ApplicationKeyPatch,
  ApplicationKeyPost,
  MadeApplicationKey,
} from '../../contract/application-keys.ts'
import { isAddressOrNetwork } from '../access/address-filter.ts'
import { type Actor, actorOf, type Caller } from '../access/callers.ts'
import { hashSecret } from '../access/device-keys.ts'
import { type Operation, requireAllOfDevices } from '../access/scope-words.ts'
import { forbidden, full, invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { readQuery } from '../query/parse.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { endOf } from './api-tokens.ts'
import { applicationKeyCondition } from './application-key-query.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/** Of one application: a key for each of its devices, if need be. */
export const MAX_KEYS = 10_000

const SECRET_BYTES = 32

/** What a key says of topics and addresses. */
type Told = Pick<ApplicationKey, 'filterType' | 'pubTopics' | 'subTopics' | 'addressFilterType' | 'addresses'>

const DEFAULTS: Told = { filterType: 'all', pubTopics: [], subTopics: [], addressFilterType: 'all', addresses: [] }

interface KeyRow {
  id: string
  application_id: string
  key: string
  name: string | null
  description: string | null
  status: ApplicationKey['status']
  device_ids: string[]
  device_tags: ApplicationKey['deviceTags']
  told: Told
  created_at: Date
  created_by_type: ApplicationKey['createdByType']
  created_by_id: string
  updated_at: Date
  updated_by_type: ApplicationKey['createdByType']
  updated_by_id: string
}

const toApplicationKey = (row: KeyRow): ApplicationKey => ({
  id: row.id,
  applicationKeyId: row.id,
  applicationId: row.application_id,
  creationDate: row.created_at.toISOString(),
  createdById: row.created_by_id,
  createdByType: row.created_by_type,
  lastUpdated: row.updated_at.toISOString(),
  lastUpdatedById: row.updated_by_id,
  lastUpdatedByType: row.updated_by_type,
  key: row.key,
  status: row.status,
  deviceIds: row.device_ids,
  deviceTags: row.device_tags,
  ...(row.name === null ? {} : { name: row.name }),
  ...(row.description === null ? {} : { description: row.description }),
  ...row.told,
})

/**
 * Refuses makers who would get more by a key than they have: it gives all that devices may, and has no end. A session has
 * one as well, but whoever has it signed in as a user who may make keys at any time.
 * @throws forbidden
 */
export async function requireKeyMaker(db: Queryable, caller: Caller, operations: readonly Operation[]): Promise<void> {
  requireAllOfDevices(caller.scope, operations)
  const end = await endOf(db, actorOf(caller))
  if (!end) return
  throw forbidden(
    `An access key has no end, and the token it is made with ends at ${end.toISOString()}; make it with one that does not end, or signed in`,
  )
}

/**
 * Makes a key and gives it with its secret, which nobody can be told again.
 * @throws invalid for devices of others, tags that mean nothing and addresses that are none; full
 */
export async function createApplicationKey(
  db: Database,
  applicationId: string,
  actor: Actor,
  post: ApplicationKeyPost,
): Promise<MadeApplicationKey> {
  const { name = null, description = null, deviceIds: ids = [], deviceTags = [], ...told } = post
  requireAddresses(told.addresses)
  requireTags(deviceTags)
  const deviceIds = ids.map((id) => id.toLowerCase())
  const secret = randomBytes(SECRET_BYTES).toString('hex')
  const row = await db.transaction(async (tx) => {
    await requirePlace(tx, applicationId)
    await requireDevices(tx, applicationId, deviceIds)
    return tx.one<KeyRow>(
      `insert into application_keys (id, application_id, key, secret_hash, name, description, device_ids, device_tags,
         told, created_by_type, created_by_id, updated_by_type, updated_by_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $11) returning *`,
      [
        newId(),
        applicationId,
        randomUUID(),
        hashSecret(secret),
        name,
        description,
        [...new Set(deviceIds)],
        JSON.stringify(deviceTags),
        JSON.stringify({ ...DEFAULTS, ...told }),
        actor.type,
        actor.id,
      ],
    )
  })
  if (!row) throw new Error('the insert gave no row')
  return { ...toApplicationKey(row), secret }
}

/** A page of the keys of an application, the newest first unless asked otherwise. @throws invalid for a faulty query */
export async function listApplicationKeys(
  db: Queryable,
  applicationId: string,
  { query: given, ...plain }: ListQuery & { readonly query?: unknown },
): Promise<Page<ApplicationKey> & { query?: unknown }> {
  const query = readQuery(given, 'query')
  const values: unknown[] = [applicationId]
  const asked = query === undefined ? '' : ` and ${applicationKeyCondition(query, values)}`
  const { filter: _, filterField: __, ...order } = plain
  const source = {
    from: `application_keys where application_id = $1${asked}`,
    values,
    sort: {
      creationDate: 'created_at',
      key: 'key',
      status: 'status',
      id: 'id',
      lastUpdated: 'updated_at',
      name: 'name',
    },
    defaultSort: 'creationDate',
    filters: { key: 'key', status: 'status', name: 'name' },
    hasNulls: plain.sortField === 'name',
  }
  const sortDirection = plain.sortDirection ?? 'desc'
  const chosen = query === undefined ? plain : order
  const page = await listPage(db, source, { ...chosen, sortDirection }, toApplicationKey)
  return query === undefined ? page : { ...page, query }
}

/** @throws notFound, for a foreign one as well */
export async function getApplicationKey(db: Queryable, applicationId: string, id: string): Promise<ApplicationKey> {
  const row = await db.one<KeyRow>('select * from application_keys where id = $1 and application_id = $2', [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Application key')
  return toApplicationKey(row)
}

/** Changes what is given, leaves the rest; no name is null. @throws notFound, invalid for addresses that are none */
export async function patchApplicationKey(
  db: Queryable,
  applicationId: string,
  id: string,
  actor: Actor,
  patch: ApplicationKeyPatch,
): Promise<ApplicationKey> {
  const { name, description = null, status = null, ...told } = patch
  requireAddresses(told.addresses)
  const row = await db.one<KeyRow>(
    `update application_keys set name = case when $3 then $4 else name end, description = coalesce($5, description),
       status = coalesce($6, status), told = told || $7::jsonb,
       updated_at = now(), updated_by_type = $8, updated_by_id = $9
     where id = $1 and application_id = $2 returning *`,
    [
      id,
      applicationId,
      name !== undefined,
      name ?? null,
      description,
      status,
      JSON.stringify(told),
      actor.type,
      actor.id,
    ],
  )
  if (!row) throw notFound('Application key')
  return toApplicationKey(row)
}

/** @throws notFound */
export async function deleteApplicationKey(db: Queryable, applicationId: string, id: string): Promise<void> {
  const row = await db.one('delete from application_keys where id = $1 and application_id = $2 returning id', [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Application key')
}

function requireAddresses(addresses: readonly string[] = []): void {
  const index = addresses.findIndex((address) => !isAddressOrNetwork(address))
  if (index < 0) return
  throw invalid(
    `applicationKey.addresses.${index} must be an IPv4 or IPv6 address, or a network as 10.0.0.0/8 or 2001:db8::/32`,
  )
}

/** A tag without either would be of no device, and a key with it alone looks as one for all. */
function requireTags(tags: ApplicationKey['deviceTags']): void {
  const index = tags.findIndex(({ key, value }) => key === undefined && value === undefined)
  if (index >= 0) throw invalid(`applicationKey.deviceTags.${index} must have a key, a value, or both`)
}

async function requireDevices(tx: Queryable, applicationId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const devices = await tx.query<{ id: string }>(
    'select id from devices where id = any ($1) and application_id = $2 and deleted_at is null',
    [ids, applicationId],
  )
  const known = new Set(devices.map(({ id }) => id))
  const index = ids.findIndex((id) => !known.has(id))
  if (index >= 0) throw invalid(`applicationKey.deviceIds.${index} must be the id of a device of this application`)
}

/** Counted with the application held, so that of two at once only one takes the last place. @throws full, notFound */
async function requirePlace(tx: Queryable, applicationId: string): Promise<void> {
  const held = await tx.one('select id from applications where id = $1 and deleted_at is null for no key update', [
    applicationId,
  ])
  if (!held) throw notFound('Application')
  const counted = await tx.one<{ used: number }>(
    'select count(*)::int as used from application_keys where application_id = $1',
    [applicationId],
  )
  const { used } = counted ?? { used: 0 }
  if (used < MAX_KEYS) return
  throw full(
    `There are ${used} access keys of this application, and at most ${MAX_KEYS} are allowed; delete one first`,
    {
      name: 'applicationKeys',
      of: 'application',
      allowed: MAX_KEYS,
      used,
    },
  )
}
