/** The words devices of an application use: their names, and the names of their attributes and tags. */

import { Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { AttributeType, DeviceClass, QueryParameter } from './devices.ts'
import { route } from './route.ts'
import { Key, ObjectId } from './shapes.ts'

/** Each gives at most this many. */
export const MAX_WORDS = 1000

const filters = { query: QueryParameter, startsWith: Type.Optional(Type.String({ maxLength: 255 })) }

export const getAttributeNames = route({
  operation: 'devices.attributeNames',
  method: 'GET',
  path: '/applications/:applicationId/devices/attributeNames',
  summary: 'Gives the names of attributes, at most 1,000, in order.',
  params: ApplicationParams,
  query: Type.Object({
    ...filters,
    dataType: Type.Optional(Type.Union([AttributeType, Type.Array(AttributeType, { minItems: 1, maxItems: 5 })])),
  }),
  reply: Type.Object({ attributeNames: Type.Array(Type.String()) }),
})

export const getDeviceNames = route({
  operation: 'devices.deviceNames',
  method: 'GET',
  path: '/applications/:applicationId/devices/deviceNames',
  summary: 'Gives names, ids and classes of devices, at most 1,000, in order of their names.',
  params: ApplicationParams,
  query: Type.Object(filters),
  reply: Type.Object({
    deviceSummary: Type.Array(Type.Object({ id: ObjectId, name: Type.String(), deviceClass: DeviceClass })),
  }),
})

export const getTagKeys = route({
  operation: 'devices.tagKeys',
  method: 'GET',
  path: '/applications/:applicationId/devices/tagKeys',
  summary: 'Gives the keys of tags, at most 1,000, in order.',
  params: ApplicationParams,
  query: Type.Object(filters),
  reply: Type.Object({ tagKeys: Type.Array(Type.String()) }),
})

export const getTagValues = route({
  operation: 'devices.tagValues',
  method: 'GET',
  path: '/applications/:applicationId/devices/tagValues',
  summary: 'Gives the values of one tag key, at most 1,000, in order.',
  params: ApplicationParams,
  query: Type.Object({ ...filters, key: Key }),
  reply: Type.Object({ tagKey: Type.String(), tagValues: Type.Array(Type.String()) }),
})
