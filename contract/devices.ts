/** Devices: what they are called, what they report, and how they belong together. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import {
  Count,
  closed,
  DateTime,
  Description,
  Key,
  listQuery,
  listReply,
  Name,
  ObjectId,
  Success,
  words,
} from './shapes.ts'

export const DeviceParams = Type.Object({ applicationId: ObjectId, deviceId: ObjectId })

const TagValue = Type.String({ minLength: 1, maxLength: 255 })
export const DeviceTag = Type.Object({ key: Key, value: TagValue }, closed)
export type DeviceTag = Static<typeof DeviceTag>

/** One tag of an attribute; unlike those of devices they have each key once. */
export const AttributeTag = DeviceTag

/** A tag to look for: any value when only the key is given, any key when only the value is. */
export const TagFilter = Type.Array(Type.Object({ key: Type.Optional(Key), value: Type.Optional(TagValue) }, closed), {
  maxItems: 100,
  description: 'a list of objects with key, value or both',
})
export type TagFilter = Static<typeof TagFilter>

export const AttributeType = words('string', 'number', 'gps', 'boolean', 'blob')
export type AttributeType = Static<typeof AttributeType>

const listMode = words('all', 'whitelist', 'blacklist')

/** How an attribute of a system is made of those below it: kept and given back, not computed. */
export const SystemAttribute = Type.Object(
  {
    aggregation: Type.Optional(words('FIRST', 'LAST', 'COUNT', 'MAX', 'MIN', 'MEDIAN', 'MEAN', 'SUM', 'STD_DEV')),
    aggregationOptions: Type.Optional(Type.Array(Type.Object({}, closed), { maxItems: 0 })),
    childAttributes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Key,
            mode: listMode,
            deviceIds: Type.Optional(Type.Array(ObjectId, { maxItems: 1000 })),
            deviceTags: Type.Optional(TagFilter),
          },
          closed,
        ),
        { maxItems: 256 },
      ),
    ),
  },
  closed,
)

export const AttributeTags = Type.Record(Type.String({ pattern: '^[0-9a-zA-Z_-]{1,255}$' }), Name, closed)

export const DeviceAttribute = Type.Object(
  {
    name: Key,
    dataType: AttributeType,
    contentType: Type.Optional(Type.String({ maxLength: 64 })),
    description: Type.Optional(Description),
    attributeTags: Type.Optional(AttributeTags),
    system: Type.Optional(SystemAttribute),
  },
  closed,
)
export type DeviceAttribute = Static<typeof DeviceAttribute>

export const DEVICE_CLASSES = [
  'standalone',
  'gateway',
  'peripheral',
  'floating',
  'edgeCompute',
  'system',
  'embedded',
] as const
export const DeviceClass = words(...DEVICE_CLASSES)
export type DeviceClass = Static<typeof DeviceClass>

export const DevicePatch = Type.Object(
  {
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    tags: Type.Optional(Type.Array(DeviceTag, { maxItems: 100 })),
    attributes: Type.Optional(Type.Array(DeviceAttribute, { maxItems: 256 })),
    deviceClass: Type.Optional(DeviceClass),
    gatewayId: Type.Optional(ObjectId),
    parentId: Type.Optional(Type.Union([ObjectId, Type.Null()])),
    systemInterval: Type.Optional(Type.Integer({ minimum: 5, maximum: 3600 })),
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
  deletedAt: Type.Optional(DateTime),
  name: Name,
  description: Type.Optional(Description),
  tags: Type.Array(DeviceTag),
  attributes: Type.Array(DeviceAttribute),
  deviceClass: DeviceClass,
  gatewayId: Type.Optional(ObjectId),
  parentId: Type.Optional(ObjectId),
  ancestorIds: Type.Array(ObjectId, { description: 'the parent first, then its parent, and so on' }),
  systemInterval: Type.Optional(Count),
  keepDuplicates: Type.Optional(Type.Boolean()),
  connectionInfo: Type.Optional(
    Type.Object({
      time: Type.Optional(DateTime),
      connected: Type.Union([Type.Literal(1), Type.Literal(0), Type.Null()]),
    }),
  ),
})
export type Device = Static<typeof Device>

/** A device as it is answered, with its tags and attributes as the query wants them. */
export const DeviceReply = Type.Object({
  ...Device.properties,
  tags: Type.Union([
    Type.Array(DeviceTag),
    Type.Record(Type.String(), Type.Array(TagValue), { description: 'values by key, with tagsAsObject' }),
  ]),
  attributes: Type.Union([
    Type.Array(DeviceAttribute),
    Type.Record(Type.String(), DeviceAttribute, { description: 'by name, with attributesAsObject' }),
  ]),
})

/** A yes in a query parameter is true, 1 or yes. */
const Flag = Type.Optional(Type.String({ maxLength: 20 }))

/** Tags by key, attributes by name. */
const asObjects = { tagsAsObject: Flag, attributesAsObject: Flag }

/** A query as an object in brackets, or as JSON text. */
export const QueryParameter = Type.Optional(Type.Union([Type.String(), Type.Object({})]))

export const createDevice = route({
  operation: 'devices.post',
  method: 'POST',
  path: '/applications/:applicationId/devices',
  summary: 'Creates a device.',
  params: ApplicationParams,
  query: Type.Object(asObjects),
  body: { name: 'device', schema: DevicePost },
  status: 201,
  reply: DeviceReply,
  entity: 'device',
})

export const listDevices = route({
  operation: 'devices.get',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices',
  summary: 'Lists the devices of an application; a query takes the place of all other filters.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['name', 'id', 'creationDate', 'lastUpdated', 'connectionStatus', 'deletedAt'], ['name']).properties,
    deviceClass: Type.Optional(Type.Union([words('', ...DEVICE_CLASSES), Type.Array(DeviceClass, { maxItems: 20 })])),
    tagFilter: Type.Optional(Type.Union([Type.Literal(''), TagFilter])),
    excludeConnectionInfo: Flag,
    parentId: Type.Optional(
      Type.String({ pattern: '^(?:[A-Fa-f\\d]{24}|null)?$', description: 'an id of 24 hexadecimal digits, or null' }),
    ),
    query: QueryParameter,
    ...asObjects,
    queryDeleted: Flag,
  }),
  reply: Type.Object({
    ...listReply(DeviceReply).properties,
    deviceClass: Type.Optional(DeviceClass),
    tagFilter: Type.Optional(TagFilter),
    parentId: Type.Optional(Type.Union([ObjectId, Type.Null()])),
    query: Type.Optional(Type.Unknown()),
  }),
  entity: 'devices',
})

export const getDevice = route({
  operation: 'device.get',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId',
  summary: 'Gives one device.',
  params: DeviceParams,
  query: Type.Object({ excludeConnectionInfo: Flag, ...asObjects }),
  reply: DeviceReply,
  entity: 'device',
})

export const patchDevice = route({
  operation: 'device.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/devices/:deviceId',
  summary: 'Changes a device; lists are replaced whole.',
  params: DeviceParams,
  query: Type.Object(asObjects),
  body: { name: 'device', schema: DevicePatch },
  reply: DeviceReply,
  entity: 'device',
})

export const deleteDevice = route({
  operation: 'device.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/devices/:deviceId',
  summary: 'Deletes a device; it can be restored with its history for a while.',
  params: DeviceParams,
  reply: Success,
})
