/** A device as it is stored, and as the API shows it. */

import type { Device, DeviceAttribute, DeviceClass, DeviceTag } from '../../contract/devices.ts'

export interface DeviceRow {
  id: string
  application_id: string
  name: string
  description: string | null
  device_class: DeviceClass
  gateway_id: string | null
  parent_id: string | null
  ancestor_ids: string[]
  system_interval: number | null
  keep_duplicates: boolean
  tags: DeviceTag[]
  attributes: DeviceAttribute[]
  former_types: Record<string, DeviceAttribute['dataType']>
  /** What the log of its connections says of now; null while it says nothing. */
  connected: boolean | null
  connection_ts: number | null
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
}

/** Days in which a deleted device can be restored with its history, as in the original. */
export const RESTORABLE_DAYS = 93

/** The condition that a device of `devices` is deleted and can be restored. */
export const RESTORABLE = `devices.deleted_at > now() - interval '${RESTORABLE_DAYS} days'`

export const toDevice = (row: DeviceRow): Device => ({
  id: row.id,
  deviceId: row.id,
  applicationId: row.application_id,
  creationDate: row.created_at.toISOString(),
  lastUpdated: row.updated_at.toISOString(),
  ...(row.deleted_at === null ? {} : { deletedAt: row.deleted_at.toISOString() }),
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  tags: row.tags,
  attributes: row.attributes,
  deviceClass: row.device_class,
  ...(row.gateway_id === null ? {} : { gatewayId: row.gateway_id }),
  ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
  ancestorIds: row.ancestor_ids,
  ...(row.system_interval === null ? {} : { systemInterval: row.system_interval }),
  keepDuplicates: row.keep_duplicates,
  connectionInfo:
    row.connected === null || row.connection_ts === null
      ? { connected: null }
      : { time: new Date(row.connection_ts).toISOString(), connected: row.connected ? 1 : 0 },
})

/** The values of each tag by its key, and the attributes by their name, for those who ask for objects. */
export function asObjects(device: Device, wanted: { tags: boolean; attributes: boolean }): object {
  const values = Map.groupBy(device.tags, ({ key }) => key)
  return {
    ...device,
    ...(wanted.tags
      ? { tags: Object.fromEntries([...values].map(([key, tags]) => [key, tags.map(({ value }) => value)])) }
      : {}),
    ...(wanted.attributes
      ? { attributes: Object.fromEntries(device.attributes.map((attribute) => [attribute.name, attribute])) }
      : {}),
  }
}
