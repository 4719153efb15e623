/** The attributes of one device, each for itself. */

import { type Static, Type } from 'typebox'
import { DeviceAttribute, DeviceParams } from './devices.ts'
import { route } from './route.ts'
import { Count, closed, Key, listQuery, ObjectId, Success, Text, words } from './shapes.ts'

const AttributeParams = Type.Object({ ...DeviceParams.properties, name: Key })

const { dataType: _, ...changeable } = DeviceAttribute.properties
export const AttributePatch = Type.Object({ ...changeable, name: Type.Optional(Key) }, closed)
export type AttributePatch = Static<typeof AttributePatch>

const ids = { applicationId: ObjectId, deviceId: ObjectId }
export const AttributeReply = Type.Object({ ...DeviceAttribute.properties, ...ids })

const { sortField, sortDirection, filterField, filter } = listQuery(
  ['name', 'dataType'],
  ['name', 'dataType'],
).properties

export const listAttributes = route({
  operation: 'deviceAttributes.get',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId/attributes',
  summary: 'Lists the attributes of a device, all at once.',
  params: DeviceParams,
  query: Type.Object({ sortField, sortDirection, filterField, filter }),
  reply: Type.Object({
    items: Type.Array(AttributeReply),
    count: Count,
    totalCount: Count,
    filter: Type.Optional(Type.String()),
    filterField: Type.Optional(Type.String()),
    sortField: Text,
    sortDirection: words('asc', 'desc'),
    ...ids,
  }),
  entity: 'deviceAttributes',
})

export const createAttribute = route({
  operation: 'deviceAttributes.post',
  method: 'POST',
  path: '/applications/:applicationId/devices/:deviceId/attributes',
  summary: 'Adds an attribute to a device.',
  params: DeviceParams,
  body: { name: 'deviceAttribute', schema: DeviceAttribute },
  status: 201,
  reply: AttributeReply,
  entity: 'deviceAttribute',
})

export const getAttribute = route({
  operation: 'deviceAttribute.get',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId/attributes/:name',
  summary: 'Gives one attribute of a device.',
  params: AttributeParams,
  reply: AttributeReply,
  entity: 'deviceAttribute',
})

export const patchAttribute = route({
  operation: 'deviceAttribute.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/devices/:deviceId/attributes/:name',
  summary: 'Changes an attribute; its tags are replaced whole. Under a new name it begins a new history.',
  params: AttributeParams,
  body: { name: 'deviceAttribute', schema: AttributePatch },
  reply: AttributeReply,
  entity: 'deviceAttribute',
})

export const deleteAttribute = route({
  operation: 'deviceAttribute.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/devices/:deviceId/attributes/:name',
  summary: 'Takes an attribute away; its history is seen again when it comes back with the same type.',
  params: AttributeParams,
  reply: Success,
})
