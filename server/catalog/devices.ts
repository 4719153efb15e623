/** Devices: made, listed, changed, and deleted so that they can come back. */

import type { Device, DeviceClass, DevicePatch, DevicePost, TagFilter } from '../../contract/devices.ts'
import { notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { readQuery } from '../query/parse.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { changeDevice, type DeviceParts } from './device-change.ts'
import { seenWithin, taggedWith } from './device-choice.ts'
import { ancestorsOf, checkGateway, concernsFamily, lockFamilies, requireDepth } from './device-family.ts'
import { deviceCondition } from './device-query.ts'
import { type DeviceRow, RESTORABLE, toDevice } from './device-record.ts'
import { applyPatch, newShape } from './device-shape.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/** @throws invalid when two attributes have one name, or as the rules of families say */
export async function createDevice(db: Database, applicationId: string, post: DevicePost): Promise<Device> {
  const id = newId()
  const shape = applyPatch(newShape(post.name), post)
  return db.transaction(async (tx) => {
    if (concernsFamily(post)) await lockFamilies(tx, applicationId)
    await checkGateway(tx, applicationId, id, undefined, shape)
    const ancestors = await ancestorsOf(tx, applicationId, id, shape.parentId)
    requireDepth(ancestors.length)
    const row = await tx.one<DeviceRow>(
      `insert into devices (id, application_id, name, description, device_class, gateway_id, parent_id, ancestor_ids,
         system_interval, keep_duplicates, tags, attributes)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning *`,
      [
        id,
        applicationId,
        shape.name,
        shape.description,
        shape.deviceClass,
        shape.gatewayId,
        shape.parentId,
        ancestors,
        shape.systemInterval,
        shape.keepDuplicates,
        JSON.stringify(shape.tags),
        JSON.stringify(shape.attributes),
      ],
    )
    if (!row) throw new Error('the insert gave no row')
    return toDevice(row)
  })
}

export interface DevicesQuery extends ListQuery {
  readonly deviceClass?: DeviceClass | '' | readonly DeviceClass[]
  readonly tagFilter?: TagFilter | ''
  /** The children of a device; "null" for those without a parent. */
  readonly parentId?: string
  /** An object or JSON text; it takes the place of every other filter. */
  readonly query?: unknown
}

export interface DevicesPage extends Page<Device> {
  readonly query?: unknown
  readonly deviceClass?: DeviceClass
  readonly tagFilter?: TagFilter
  readonly parentId?: string | null
}

/**
 * The devices of an application, or with `deleted` those that can be restored; with `within` those that this device may
 * see. @throws invalid naming a fault of the query
 */
export async function listDevices(
  db: Queryable,
  applicationId: string,
  { query: given, ...plain }: DevicesQuery,
  { deleted = false, within }: { deleted?: boolean; within?: string | undefined } = {},
): Promise<DevicesPage> {
  const query = readQuery(given, 'query')
  const values: unknown[] = [applicationId]
  const there = deleted ? RESTORABLE : 'devices.deleted_at is null'
  const conditions = [`devices.application_id = $1 and ${there}${seenWithin(within, values)}`]
  const { filter, filterField, ...order } = plain
  if (query === undefined) conditions.push(...filtersOf(plain, values))
  else conditions.push(deviceCondition(query, values))
  const page = await listPage<DeviceRow, Device>(
    db,
    {
      from: `devices where ${conditions.join(' and ')}`,
      values,
      sort: SORT,
      defaultSort: 'name',
      hasNulls: NULLABLE.includes(plain.sortField ?? ''),
    },
    query === undefined ? plain : order,
    toDevice,
  )
  return query === undefined ? { ...page, ...echoOf(plain) } : { ...page, query }
}

const SORT = {
  name: 'name',
  id: 'id',
  creationDate: 'created_at',
  lastUpdated: 'updated_at',
  deletedAt: 'deleted_at',
  connectionStatus: 'connected',
}

const NULLABLE = ['deletedAt', 'connectionStatus']

function filtersOf({ deviceClass, tagFilter, parentId }: DevicesQuery, values: unknown[]): string[] {
  const classes = typeof deviceClass === 'string' ? [deviceClass].filter(Boolean) : deviceClass
  return [
    ...(classes?.length ? [`devices.device_class = any ($${values.push(classes)}::text[])`] : []),
    ...(tagFilter ? [taggedWith(tagFilter, values)].filter((condition) => condition !== 'false') : []),
    ...(parentId === 'null' ? ['devices.parent_id is null'] : []),
    ...(parentId && parentId !== 'null' ? [`devices.parent_id = $${values.push(parentId.toLowerCase())}`] : []),
  ]
}

/** What a list tells of how it was filtered; the published shape has no place for several classes. */
const echoOf = ({ deviceClass, tagFilter, parentId }: DevicesQuery) => ({
  ...(deviceClass && typeof deviceClass === 'string' ? { deviceClass } : {}),
  ...(tagFilter ? { tagFilter } : {}),
  ...(parentId ? { parentId: parentId === 'null' ? null : parentId } : {}),
})

/** @throws notFound, also of a deleted one */
export async function getDevice(db: Queryable, applicationId: string, id: string): Promise<Device> {
  const row = await db.one<DeviceRow>(
    'select * from devices where id = $1 and application_id = $2 and deleted_at is null',
    [id, applicationId],
  )
  if (!row) throw notFound('Device')
  return toDevice(row)
}

/** Changes what is given, leaves the rest. @throws notFound, invalid as for creating */
export async function patchDevice(
  parts: DeviceParts,
  applicationId: string,
  id: string,
  patch: DevicePatch,
): Promise<Device> {
  const where = { applicationId, id, family: concernsFamily(patch) }
  return toDevice(await changeDevice(parts, where, (before) => applyPatch(before, patch)))
}

/**
 * Deletes a device: from now on nobody sees it, and its history waits for it to be restored. What is below it and its
 * peripherals keep its id until it is gone for good.
 * @throws notFound
 */
export async function deleteDevice(db: Queryable, applicationId: string, id: string): Promise<void> {
  const rows = await db.query(
    'update devices set deleted_at = now() where id = $1 and application_id = $2 and deleted_at is null returning id',
    [id, applicationId],
  )
  if (rows.length === 0) throw notFound('Device')
}
