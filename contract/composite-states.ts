/** Composite states: of each attribute the last value that was reported, and when. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { DeviceParams, QueryParameter } from './devices.ts'
import { route } from './route.ts'
import { DateTime, listQuery, listReply, MomentText, Name, ObjectId } from './shapes.ts'

export const CompositeState = Type.Record(
  Type.String({ pattern: '^[0-9a-zA-Z_-]{1,255}$' }),
  Type.Object({ value: Type.Union([Type.Number(), Type.String(), Type.Boolean()]), time: DateTime }),
)
export type CompositeState = Static<typeof CompositeState>

const range = {
  start: Type.Optional(MomentText),
  end: Type.Optional(MomentText),
  attributes: Type.Optional(Type.String({ maxLength: 65_536, description: 'names separated by commas' })),
}

export const getCompositeState = route({
  operation: 'device.getCompositeState',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId/compositeState',
  summary: 'Gives the last value of each attribute of a device, and when it was reported.',
  params: DeviceParams,
  query: Type.Object(range),
  reply: CompositeState,
})

export const listCompositeStates = route({
  operation: 'devices.getCompositeState',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/compositeState',
  summary: 'Gives the composite states of the devices of an application, page by page.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['name', 'id', 'creationDate', 'lastUpdated', 'connectionStatus'], []).properties,
    ...range,
    query: QueryParameter,
  }),
  reply: Type.Object({
    ...listReply(Type.Object({ id: ObjectId, name: Name, compositeState: CompositeState })).properties,
    query: Type.Optional(Type.Unknown()),
  }),
})
