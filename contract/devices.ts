/** Devices: what they are called, what they report, and how they belong together. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { closed, DateTime, Description, Key, listQuery, listReply, Name, ObjectId, Success, words } from './shapes.ts'

export const DeviceParams = Type.Object({ applicationId: ObjectId, deviceId: ObjectId })

export const DeviceTag = Type.Object({ key: Key, value: Type.String({ minLength: 1, maxLength: 255 }) }, closed)
export type DeviceTag = Static<typeof DeviceTag>

export const AttributeType = words('string', 'number', 'gps', 'boolean', 'blob')
export type AttributeType = Static<typeof AttributeType>

export const DeviceAttribute = Type.Object(
  {
    name: Key,
    dataType: AttributeType,
    contentType: Type.Optional(Type.String({ maxLength: 64 })),
    description: Type.Optional(Description),
    attributeTags: Type.Optional(Type.Record(Type.String({ pattern: '^[0-9a-zA-Z_-]{1,255}$' }), Name, closed)),
  },
  closed,
)
export type DeviceAttribute = Static<typeof DeviceAttribute>

export const DeviceClass = words('standalone', 'gateway', 'peripheral', 'floating', 'edgeCompute', 'system', 'embedded')

export const DevicePatch = Type.Object(
  {
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    tags: Type.Optional(Type.Array(DeviceTag, { maxItems: 100 })),
    attributes: Type.Optional(Type.Array(DeviceAttribute, { maxItems: 256 })),
    deviceClass: Type.Optional(DeviceClass),
    gatewayId: Type.Optional(ObjectId),
    parentId: Type.Optional(Type.Union([ObjectId, Type.Null()])),
    keepDuplicates: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type DevicePatch = Static<typeof DevicePatch>

export const DevicePost = Type.Object({ ...DevicePatch.properties, name: Name }, closed)
export type DevicePost = Static<typeof DevicePost>

export const Device = Type.Object({
  id: ObjectId,
  deviceId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  name: Name,
  description: Type.Optional(Type.String()),
  tags: Type.Array(DeviceTag),
  attributes: Type.Array(DeviceAttribute),
  deviceClass: DeviceClass,
  gatewayId: Type.Optional(ObjectId),
  parentId: Type.Optional(ObjectId),
  keepDuplicates: Type.Optional(Type.Boolean()),
})
export type Device = Static<typeof Device>

export const createDevice = route({
  operation: 'devices.post',
  method: 'POST',
  path: '/applications/:applicationId/devices',
  summary: 'Creates a device.',
  params: ApplicationParams,
  body: { name: 'device', schema: DevicePost },
  status: 201,
  reply: Device,
  entity: 'device',
})

export const listDevices = route({
  operation: 'devices.get',
  method: 'GET',
  path: '/applications/:applicationId/devices',
  summary: 'Lists the devices of an application.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['name', 'id', 'creationDate', 'lastUpdated'], ['name']).properties,
    deviceClass: Type.Optional(DeviceClass),
    parentId: Type.Optional(Type.String({ maxLength: 255 })),
  }),
  reply: listReply(Device),
  entity: 'devices',
})

export const getDevice = route({
  operation: 'device.get',
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId',
  summary: 'Gives one device.',
  params: DeviceParams,
  reply: Device,
  entity: 'device',
})

export const patchDevice = route({
  operation: 'device.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/devices/:deviceId',
  summary: 'Changes a device; lists are replaced whole.',
  params: DeviceParams,
  body: { name: 'device', schema: DevicePatch },
  reply: Device,
  entity: 'device',
})

export const deleteDevice = route({
  operation: 'device.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/devices/:deviceId',
  summary: 'Deletes a device and its history.',
  params: DeviceParams,
  reply: Success,
})
