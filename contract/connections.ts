/** Whether devices are connected: told by whoever speaks for them, and read back as a log. */

import { type Static, Type } from 'typebox'
import { DeviceParams } from './devices.ts'
import { route } from './route.ts'
import { closed, DateTime, RangeQuery, Success, TimeFormats, taggedUnion } from './shapes.ts'

const IpAddress = Type.String({ minLength: 2, maxLength: 39 })
const Messages = Type.Integer({ minimum: 0, maximum: 2147483647 })

const Connected = Type.Object(
  {
    status: Type.Literal('connected'),
    connectedAt: Type.Optional(TimeFormats),
    ipAddress: Type.Optional(IpAddress),
  },
  closed,
)

const Disconnected = Type.Object(
  {
    status: Type.Literal('disconnected'),
    connectedAt: Type.Optional(TimeFormats),
    disconnectedAt: Type.Optional(TimeFormats),
    disconnectReason: Type.Optional(Type.String({ maxLength: 1024 })),
    messagesFromClient: Type.Optional(Messages),
    messagesToClient: Type.Optional(Messages),
    ipAddress: Type.Optional(IpAddress),
  },
  closed,
)

export const ConnectionStatus = taggedUnion('status', [Connected, Disconnected])
export type ConnectionStatus = Static<typeof ConnectionStatus>

export const DeviceLogEntry = Type.Object({
  time: DateTime,
  connected: Type.Union([Type.Literal(1), Type.Literal(0)]),
  disconnectReason: Type.Optional(Type.String()),
  messagesFromClient: Type.Optional(Messages),
  messagesToClient: Type.Optional(Messages),
  ipAddress: Type.Optional(IpAddress),
})
export type DeviceLogEntry = Static<typeof DeviceLogEntry>

export const setConnectionStatus = route({
  operation: 'device.setConnectionStatus',
  grants: { device: true },
  method: 'POST',
  path: '/applications/:applicationId/devices/:deviceId/setConnectionStatus',
  summary: 'Writes to the log of a device that it connected or disconnected.',
  params: DeviceParams,
  body: { name: 'connectionStatus', schema: ConnectionStatus },
  reply: Success,
})

export const getLogEntries = route({
  operation: 'device.getLogEntries',
  grants: { device: true },
  method: 'GET',
  path: '/applications/:applicationId/devices/:deviceId/logs',
  summary: 'Gives the connection log of a device, newest first unless asked otherwise.',
  params: DeviceParams,
  query: RangeQuery,
  reply: Type.Array(DeviceLogEntry),
})
