/** Many devices at once: changed, deleted, restored and exported by a query. What is large is done by a job. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { UpdateOperation } from './device-operations.ts'
import { DevicePatch } from './devices.ts'
import { JobQueued } from './job-logs.ts'
import { route } from './route.ts'
import { Count, closed, Email, ObjectId, Url, words } from './shapes.ts'

/** More devices than this are left to a job, answered 202. */
export const MAX_AT_ONCE = 1000

const told = { email: Type.Optional(Email), callbackUrl: Type.Optional(Url) }

const Query = Type.Object({}, { description: 'a query for devices' })

export const DevicesPatch = Type.Object(
  {
    deviceIds: Type.Optional(Type.Array(ObjectId, { maxItems: 1000 })),
    query: Type.Optional(Query),
    updateFields: Type.Optional(DevicePatch),
    updateOperations: Type.Optional(Type.Array(UpdateOperation, { maxItems: 25 })),
    ...told,
  },
  closed,
)
export type DevicesPatch = Static<typeof DevicesPatch>

const DevicesQueryPost = Type.Object({ query: Query, ...told, forceJob: Type.Optional(Type.Boolean()) }, closed)

export const patchDevices = route({
  operation: 'devices.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/devices',
  summary: 'Changes the devices of a query, or those named; each for itself, so that some may fail.',
  params: ApplicationParams,
  body: { name: 'patchInfo', schema: DevicesPatch },
  reply: Type.Union([Type.Object({ updated: Count, failed: Count, skipped: Count }), JobQueued]),
})

export const deleteDevices = route({
  operation: 'devices.delete',
  method: 'POST',
  path: '/applications/:applicationId/devices/delete',
  summary: 'Deletes the devices of a query; they can be restored for a while.',
  params: ApplicationParams,
  body: { name: 'options', schema: DevicesQueryPost },
  reply: Type.Union([Type.Object({ removed: Count, failed: Count }), JobQueued]),
})

export const restoreDevices = route({
  operation: 'devices.restore',
  method: 'POST',
  path: '/applications/:applicationId/devices/restore',
  summary: 'Restores deleted devices of a query, with their history.',
  params: ApplicationParams,
  body: { name: 'options', schema: DevicesQueryPost },
  reply: Type.Union([Type.Object({ restored: Count, failed: Count }), JobQueued]),
})

export const exportDevices = route({
  operation: 'devices.export',
  grants: { reads: true },
  method: 'POST',
  path: '/applications/:applicationId/devices/export',
  summary: 'Queues the writing of what is known of devices to a file; without a query of all of them.',
  params: ApplicationParams,
  query: Type.Object(told),
  body: {
    name: 'options',
    schema: Type.Object({ query: Type.Optional(Query), format: Type.Optional(words('csv', 'json')), ...told }, closed),
  },
  status: 202,
  reply: JobQueued,
})
