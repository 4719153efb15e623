/** The history of devices as files, and its removal: both are jobs. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { deviceSelection } from './device-selection.ts'
import { DeviceParams } from './devices.ts'
import { JobQueued } from './job-logs.ts'
import { route } from './route.ts'
import { closed, Email, Key, MomentText, Url } from './shapes.ts'

const told = { email: Type.Optional(Email), callbackUrl: Type.Optional(Url) }

const bounds = {
  start: Type.Optional(Type.Number({ description: 'epoch ms; 0 for now, negative before it, 1 for the beginning' })),
  end: Type.Optional(Type.Number({ description: 'epoch ms; 0 for now, negative before it' })),
}

const columns = {
  includeDate: Type.Optional(Type.Boolean()),
  includeID: Type.Optional(Type.Boolean()),
  includeBlobData: Type.Optional(Type.Boolean()),
}

const attributes = Type.Optional(Type.Array(Key, { maxItems: 256 }))

export const DevicesDataExport = Type.Object(
  {
    ...told,
    ...deviceSelection,
    attributes,
    ...bounds,
    options: Type.Optional(Type.Object({ ...columns, filePerDevice: Type.Optional(Type.Boolean()) })),
  },
  closed,
)
export type DevicesDataExport = Static<typeof DevicesDataExport>

export const exportData = route({
  operation: 'data.export',
  grants: { reads: true, device: true },
  method: 'POST',
  path: '/applications/:applicationId/data/export',
  summary: 'Queues a job that writes what chosen devices reported to CSV.',
  params: ApplicationParams,
  body: { name: 'query', schema: DevicesDataExport },
  status: 202,
  reply: JobQueued,
})

export const DeviceDataExport = Type.Object(
  { ...told, attributes, ...bounds, options: Type.Optional(Type.Object(columns)) },
  closed,
)

const textBounds = { start: Type.Optional(MomentText), end: Type.Optional(MomentText) }

export const exportDevice = route({
  operation: 'device.export',
  grants: { reads: true },
  method: 'POST',
  path: '/applications/:applicationId/devices/:deviceId/export',
  summary: 'Queues a job that writes what a device reported to CSV; what the body says goes before the query.',
  params: DeviceParams,
  query: Type.Object({
    ...textBounds,
    email: Type.Optional(Type.Union([Type.Literal(''), Email])),
    callbackUrl: Type.Optional(Type.Union([Type.Literal(''), Url])),
    includeBlobData: Type.Optional(Type.String({ maxLength: 10 })),
  }),
  body: { name: 'query', schema: DeviceDataExport, optional: true },
  status: 202,
  reply: JobQueued,
})

export const removeDeviceData = route({
  operation: 'device.removeData',
  method: 'DELETE',
  path: '/applications/:applicationId/devices/:deviceId/data',
  summary: 'Queues a job that removes the states and the connection log of a device, of a range of time or all.',
  params: DeviceParams,
  query: Type.Object(textBounds),
  status: 202,
  reply: JobQueued,
})

export const DevicesRemoveData = Type.Object(
  {
    query: Type.Object({}, { description: 'a query for devices' }),
    ...bounds,
    attributes: Type.Optional(Type.Union([Type.Null(), Type.Array(Key, { maxItems: 256 })])),
    keepConnectionHistory: Type.Optional(Type.Boolean()),
    keepCommandHistory: Type.Optional(Type.Boolean()),
    ...told,
  },
  closed,
)
export type DevicesRemoveData = Static<typeof DevicesRemoveData>

export const removeDevicesData = route({
  operation: 'devices.removeData',
  method: 'POST',
  path: '/applications/:applicationId/devices/removeData',
  summary: 'Queues a job that removes what the devices of a query reported, of a range of time or all.',
  params: ApplicationParams,
  body: { name: 'options', schema: DevicesRemoveData },
  status: 202,
  reply: JobQueued,
})
