/** Devices: contract routes to the rooms below. */

import { createDevice, deleteDevice, getDevice, listDevices, patchDevice } from '../../../contract/devices.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as devices from '../../catalog/devices.ts'
import { invalid } from '../../ground/errors.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Query parameters of the original that would change an answer and are not understood yet: said, not passed over. */
const NOT_YET = ['query', 'tagFilter', 'tagsAsObject', 'attributesAsObject', 'queryDeleted']

function refuseNotYet(query: object): void {
  const name = Object.keys(query)
    .map((key) => key.split('[')[0] ?? '')
    .find((key) => NOT_YET.includes(key))
  if (name) throw invalid(`${name} is not supported yet; leave it out`)
}

/** Registers the routes of devices. */
export function serveDevices(door: Door, { db }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)

  serve(door, createDevice, async ({ caller, params, body }) =>
    devices.createDevice(db, await enter(caller.userId, params.applicationId), body),
  )
  serve(door, listDevices, async ({ caller, params, query }) => {
    refuseNotYet(query)
    return devices.listDevices(db, await enter(caller.userId, params.applicationId), query)
  })
  serve(door, getDevice, async ({ caller, params, query }) => {
    refuseNotYet(query)
    return devices.getDevice(db, await enter(caller.userId, params.applicationId), params.deviceId)
  })
  serve(door, patchDevice, async ({ caller, params, body }) =>
    devices.patchDevice(db, await enter(caller.userId, params.applicationId), params.deviceId, body),
  )
  serve(door, deleteDevice, async ({ caller, params }) => {
    await devices.deleteDevice(db, await enter(caller.userId, params.applicationId), params.deviceId)
    return { success: true }
  })
}
