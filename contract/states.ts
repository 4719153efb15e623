/** What devices report: taken in one by one or many at once, and read back. */

import { type Static, Type } from 'typebox'
import { DeviceParams } from './devices.ts'
import { route } from './route.ts'
import { closed, Name, RangeQuery, Success, TimeFormats, words } from './shapes.ts'

export const DeviceState = Type.Object(
  {
    data: Type.Record(
      Type.String({ pattern: '^[0-9a-zA-Z_-]{1,255}$' }),
      Type.Union([Type.Number(), Type.String(), Type.Boolean()]),
      { ...closed, description: 'names of 1 to 255 letters, digits, "_" or "-"' },
    ),
    time: Type.Optional(TimeFormats),
    meta: Type.Optional(Type.Unknown()),
    flowVersion: Type.Optional(Name),
  },
  closed,
)
export type DeviceState = Static<typeof DeviceState>

/**
 * Why a state, or one of its values, was not stored. Of states: older than the window, more than a day ahead, nothing
 * left. Of values: not an attribute of the device, not of its type, too long.
 */
export const IgnoredReason = words('tooOld', 'tooFarAhead', 'empty', 'undeclared', 'unfit', 'tooLong')
export type IgnoredReason = Static<typeof IgnoredReason>

export const sendState = route({
  operation: 'device.sendState',
  grants: { device: true },
  method: 'POST',
  path: '/applications/:applicationId/devices/:deviceId/state',
  summary: 'Stores one state or several; answered 200 means durable.',
  params: DeviceParams,
  body: { name: 'deviceState', schema: Type.Union([DeviceState, Type.Array(DeviceState)]) },
  reply: Success,
})

export const getState = route({
  operation: 'device.getState',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId/state',
  summary: 'Gives the states of a device, newest first unless asked otherwise.',
  params: DeviceParams,
  query: RangeQuery,
  reply: Type.Array(DeviceState),
})
