/** What can be changed of a device, and what a change means. Pure: nothing here asks the database. */

import type { DeviceAttribute, DeviceClass, DevicePatch, DeviceTag } from '../../contract/devices.ts'
import { invalid } from '../ground/errors.ts'
import type { DeviceRow } from './device-record.ts'

export interface DeviceShape {
  readonly name: string
  readonly description: string | null
  readonly tags: readonly DeviceTag[]
  readonly attributes: readonly DeviceAttribute[]
  readonly deviceClass: DeviceClass
  readonly gatewayId: string | null
  readonly parentId: string | null
  readonly systemInterval: number | null
  readonly keepDuplicates: boolean
}

export const MAX_TAGS = 100
export const MAX_ATTRIBUTES = 256

/** What a device is before anything is said of it but its name. */
export const newShape = (name: string): DeviceShape => ({
  name,
  description: null,
  tags: [],
  attributes: [],
  deviceClass: 'standalone',
  gatewayId: null,
  parentId: null,
  systemInterval: null,
  keepDuplicates: false,
})

export const shapeOf = (row: DeviceRow): DeviceShape => ({
  name: row.name,
  description: row.description,
  tags: row.tags,
  attributes: row.attributes,
  deviceClass: row.device_class,
  gatewayId: row.gateway_id,
  parentId: row.parent_id,
  systemInterval: row.system_interval,
  keepDuplicates: row.keep_duplicates,
})

/**
 * The shape with what a patch says; lists are replaced whole. A device that is no longer a peripheral leaves its gateway.
 * @throws invalid when two attributes have one name, or a device that is no peripheral is given a gateway
 */
export function applyPatch(before: DeviceShape, patch: DevicePatch): DeviceShape {
  const deviceClass = patch.deviceClass ?? before.deviceClass
  if (patch.gatewayId !== undefined && deviceClass !== 'peripheral') {
    throw invalid(`device.gatewayId is only for a device of class peripheral, and this one is ${deviceClass}`)
  }
  requireDistinct(patch.attributes ?? [])
  const { parentId } = patch
  return {
    name: patch.name ?? before.name,
    description: patch.description ?? before.description,
    tags: patch.tags ?? before.tags,
    attributes: patch.attributes ?? before.attributes,
    deviceClass,
    gatewayId: deviceClass === 'peripheral' ? (patch.gatewayId?.toLowerCase() ?? before.gatewayId) : null,
    parentId: parentId === undefined ? before.parentId : (parentId?.toLowerCase() ?? null),
    systemInterval: patch.systemInterval ?? before.systemInterval,
    keepDuplicates: patch.keepDuplicates ?? before.keepDuplicates,
  }
}

function requireDistinct(attributes: readonly DeviceAttribute[]): void {
  const names = new Set<string>()
  for (const [index, { name }] of attributes.entries()) {
    if (names.has(name)) throw invalid(`device.attributes.${index}.name "${name}" is taken by another attribute`)
    names.add(name)
  }
}

type Types = Readonly<Record<string, DeviceAttribute['dataType']>>

/** Names of attributes that were taken away and are remembered with their type. */
const MAX_FORMER = 256

/**
 * What a change of attributes means for the history. One that changes its type loses its history: values of two types
 * under one name make no column. One that is taken away keeps it, unseen, for the case that it comes back with the same
 * type; with another type it is lost then.
 */
export function compareAttributes(
  before: readonly DeviceAttribute[],
  formerTypes: Types,
  after: readonly DeviceAttribute[],
): { formerTypes: Types; forget: string[] } {
  const known = new Map([
    ...Object.entries(formerTypes),
    ...before.map(({ name, dataType }) => [name, dataType] as const),
  ])
  const forget = after
    .filter(({ name, dataType }) => known.has(name) && known.get(name) !== dataType)
    .map(({ name }) => name)
  for (const { name } of after) known.delete(name)
  const former = [...known]
  return {
    formerTypes: Object.fromEntries(former.slice(0, MAX_FORMER)),
    forget: [...forget, ...former.slice(MAX_FORMER).map(([name]) => name)],
  }
}
