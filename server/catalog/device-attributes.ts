/** The attributes of one device, each for itself. Two changes at once lose nothing: each reads and writes under a lock. */

import type { AttributePatch } from '../../contract/device-attributes.ts'
import type { DeviceAttribute } from '../../contract/devices.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { givenFilter, matchesGlob } from '../ground/glob.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { changeDevice, type DeviceParts } from './device-change.ts'
import { type DeviceShape, MAX_ATTRIBUTES } from './device-shape.ts'
import { getDevice } from './devices.ts'
import { directionOf } from './listing.ts'

/** Where a device is. */
export interface DevicePlace {
  readonly applicationId: string
  readonly deviceId: string
}

export interface AttributesQuery {
  readonly sortField?: string
  readonly sortDirection?: string
  readonly filterField?: string
  readonly filter?: string
}

/** All attributes that the filter lets through, sorted by name or type. @throws notFound */
export async function listAttributes(db: Queryable, place: DevicePlace, query: AttributesQuery) {
  const { attributes } = await getDevice(db, place.applicationId, place.deviceId)
  const sortField = query.sortField === 'dataType' ? 'dataType' : 'name'
  const sortDirection = directionOf(query.sortDirection)
  const filterField = query.filterField === 'dataType' ? 'dataType' : 'name'
  const filter = givenFilter(query.filter)
  const items = attributes
    .filter((attribute) => filter === undefined || matchesGlob(filter, attribute[filterField]))
    .sort((a, b) => compare(a[sortField], b[sortField]) || compare(a.name, b.name))
    .map((attribute) => ({ ...attribute, ...place }))
  return {
    items: sortDirection === 'desc' ? items.reverse() : items,
    count: items.length,
    totalCount: items.length,
    sortField,
    sortDirection,
    ...(filter !== undefined ? { filter, filterField } : {}),
    ...place,
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b))

/** @throws notFound */
export async function getAttribute(db: Queryable, place: DevicePlace, name: string): Promise<DeviceAttribute> {
  const { attributes } = await getDevice(db, place.applicationId, place.deviceId)
  return attributes[indexOf(attributes, name)] ?? missing()
}

/** @throws notFound, invalid when the name is taken or the device has as many attributes as it may have */
export async function createAttribute(
  parts: DeviceParts,
  place: DevicePlace,
  attribute: DeviceAttribute,
): Promise<DeviceAttribute> {
  await change(parts, place, ({ attributes }) => {
    requireFree(attributes, attribute.name)
    if (attributes.length >= MAX_ATTRIBUTES) throw invalid(`A device has at most ${MAX_ATTRIBUTES} attributes`)
    return [...attributes, attribute]
  })
  return attribute
}

/** Changes what is given, leaves the rest. @throws notFound, invalid when the new name is taken */
export async function patchAttribute(
  parts: DeviceParts,
  place: DevicePlace,
  name: string,
  patch: AttributePatch,
): Promise<DeviceAttribute> {
  const after = await change(parts, place, ({ attributes }) => {
    const index = indexOf(attributes, name)
    if (patch.name !== undefined && patch.name !== name) requireFree(attributes, patch.name)
    return attributes.map((attribute, at) => (at === index ? { ...attribute, ...patch } : attribute))
  })
  return after[indexOf(after, patch.name ?? name)] ?? missing()
}

/** @throws notFound */
export async function deleteAttribute(parts: DeviceParts, place: DevicePlace, name: string): Promise<void> {
  await change(parts, place, ({ attributes }) => attributes.toSpliced(indexOf(attributes, name), 1))
}

async function change(
  parts: DeviceParts,
  { applicationId, deviceId }: DevicePlace,
  attributesOf: (before: DeviceShape) => readonly DeviceAttribute[],
): Promise<readonly DeviceAttribute[]> {
  const where = { applicationId, id: deviceId, family: false }
  const row = await changeDevice(parts, where, (before) => ({ ...before, attributes: attributesOf(before) }))
  return row.attributes
}

function indexOf(attributes: readonly DeviceAttribute[], name: string): number {
  const index = attributes.findIndex((attribute) => attribute.name === name)
  return index >= 0 ? index : missing()
}

function missing(): never {
  throw notFound('Device Attribute')
}

function requireFree(attributes: readonly DeviceAttribute[], name: string): void {
  if (attributes.some((attribute) => attribute.name === name)) {
    throw invalid(`deviceAttribute.name "${name}" is taken by another attribute`)
  }
}
