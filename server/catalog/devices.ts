/** Devices: made, listed, changed, deleted, and chosen for the inputs of a notebook. */

import type { Device, DeviceAttribute, DevicePatch, DevicePost, DeviceTag } from '../../contract/devices.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { deleteStates } from '../stores/telemetry/hot.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

interface DeviceRow {
  id: string
  application_id: string
  name: string
  description: string | null
  device_class: Device['deviceClass']
  gateway_id: string | null
  parent_id: string | null
  keep_duplicates: boolean
  tags: DeviceTag[]
  attributes: DeviceAttribute[]
  created_at: Date
  updated_at: Date
}

const toDevice = (row: DeviceRow): Device => ({
  id: row.id,
  deviceId: row.id,
  applicationId: row.application_id,
  creationDate: row.created_at.toISOString(),
  lastUpdated: row.updated_at.toISOString(),
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  tags: row.tags,
  attributes: row.attributes,
  deviceClass: row.device_class,
  ...(row.gateway_id === null ? {} : { gatewayId: row.gateway_id }),
  ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
  keepDuplicates: row.keep_duplicates,
})

/** @throws invalid when two attributes have one name, or the parent or gateway is not a device of the application */
export async function createDevice(db: Queryable, applicationId: string, post: DevicePost): Promise<Device> {
  await checkDevice(db, applicationId, post)
  const [row] = await db.query<DeviceRow>(
    `insert into devices (id, application_id, name, description, device_class, gateway_id, parent_id, keep_duplicates,
       tags, attributes)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning *`,
    [
      newId(),
      applicationId,
      post.name,
      post.description ?? null,
      post.deviceClass ?? 'standalone',
      post.gatewayId?.toLowerCase() ?? null,
      post.parentId?.toLowerCase() ?? null,
      post.keepDuplicates ?? false,
      JSON.stringify(post.tags ?? []),
      JSON.stringify(post.attributes ?? []),
    ],
  )
  if (!row) throw new Error('the insert gave no row')
  return toDevice(row)
}

/** The devices of an application. */
export async function listDevices(
  db: Queryable,
  applicationId: string,
  query: ListQuery & { deviceClass?: string; parentId?: string },
): Promise<Page<Device>> {
  const source = {
    from: `devices where application_id = $1 and ($2::text is null or device_class = $2)
      and ($3::text is null or coalesce(parent_id, 'null') = $3)`,
    values: [applicationId, query.deviceClass ?? null, query.parentId || null],
    sort: { name: 'name', id: 'id', creationDate: 'created_at', lastUpdated: 'updated_at' },
    defaultSort: 'name',
  }
  return listPage(db, source, query, toDevice)
}

/** @throws notFound */
export async function getDevice(db: Queryable, applicationId: string, id: string): Promise<Device> {
  const row = await db.one<DeviceRow>('select * from devices where id = $1 and application_id = $2', [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Device')
  return toDevice(row)
}

/** Changes what is given, leaves the rest. @throws notFound, invalid as for creating */
export async function patchDevice(
  db: Queryable,
  applicationId: string,
  id: string,
  patch: DevicePatch,
): Promise<Device> {
  await checkDevice(db, applicationId, patch, id)
  const [row] = await db.query<DeviceRow>(
    `update devices set
       name = coalesce($3, name), description = coalesce($4, description), device_class = coalesce($5, device_class),
       gateway_id = coalesce($6, gateway_id), parent_id = case when $7 then $8 else parent_id end,
       keep_duplicates = coalesce($9, keep_duplicates), tags = coalesce($10::jsonb, tags),
       attributes = coalesce($11::jsonb, attributes), updated_at = now()
     where id = $1 and application_id = $2 returning *`,
    [
      id,
      applicationId,
      patch.name ?? null,
      patch.description ?? null,
      patch.deviceClass ?? null,
      patch.gatewayId?.toLowerCase() ?? null,
      patch.parentId !== undefined,
      patch.parentId?.toLowerCase() ?? null,
      patch.keepDuplicates ?? null,
      patch.tags ? JSON.stringify(patch.tags) : null,
      patch.attributes ? JSON.stringify(patch.attributes) : null,
    ],
  )
  if (!row) throw notFound('Device')
  return toDevice(row)
}

/** Deletes a device together with its history. @throws notFound */
export async function deleteDevice(db: Database, applicationId: string, id: string): Promise<void> {
  await db.transaction(async (tx) => {
    const rows = await tx.query('delete from devices where id = $1 and application_id = $2 returning id', [
      id,
      applicationId,
    ])
    if (rows.length === 0) throw notFound('Device')
    await deleteStates(tx, id)
  })
}

export interface DeviceChoice {
  readonly deviceIds: readonly string[]
  /** A tag with only a key matches any value, with only a value any key. */
  readonly deviceTags: readonly { key?: string; value?: string }[]
}

/** The devices that have one of the ids or one of the tags, by id; nothing given chooses none. */
export async function chooseDevices(db: Queryable, applicationId: string, choice: DeviceChoice): Promise<Device[]> {
  const tags = choice.deviceTags.map(({ key, value }) => ({
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
  }))
  const rows = await db.query<DeviceRow>(
    `select * from devices where application_id = $1 and (
       id = any ($2::text[])
       or exists (select from unnest($3::jsonb[]) wanted where wanted <> '{}' and tags @> jsonb_build_array(wanted)))
     order by id collate "C"`,
    [applicationId, choice.deviceIds, tags.map((tag) => JSON.stringify(tag))],
  )
  return rows.map(toDevice)
}

async function checkDevice(
  db: Queryable,
  applicationId: string,
  device: DevicePatch,
  ownId: string | null = null,
): Promise<void> {
  const names = new Set<string>()
  for (const [index, { name }] of (device.attributes ?? []).entries()) {
    if (names.has(name)) throw invalid(`device.attributes.${index}.name "${name}" is taken by another attribute`)
    names.add(name)
  }
  for (const field of ['parentId', 'gatewayId'] as const) {
    const id = device[field]?.toLowerCase()
    if (!id) continue
    if (id === ownId) throw invalid(`device.${field} must be another device`)
    const found = await db.one('select id from devices where id = $1 and application_id = $2', [id, applicationId])
    if (!found) throw invalid(`device.${field} must be the id of a device of this application`)
  }
}
