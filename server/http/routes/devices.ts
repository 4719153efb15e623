/** Devices: contract routes to the rooms below. */

import {
  createDevice,
  type Device,
  deleteDevice,
  getDevice,
  listDevices,
  patchDevice,
} from '../../../contract/devices.ts'
import { enterApplication } from '../../catalog/applications.ts'
import { asObjects } from '../../catalog/device-record.ts'
import * as devices from '../../catalog/devices.ts'
import { forgetAttributes } from '../../stores/telemetry/forget-attributes.ts'
import { isYes } from '../envelope.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

interface Shown {
  readonly tagsAsObject?: string
  readonly attributesAsObject?: string
  readonly excludeConnectionInfo?: string
}

/** Registers the routes of devices. */
export function serveDevices(door: Door, { db }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)
  const changing = { db, forgetAttributes }

  const show = (device: Device, query: Shown): object => {
    const { connectionInfo: _, ...rest } = device
    const told = isYes(query.excludeConnectionInfo) ? rest : device
    const wanted = { tags: isYes(query.tagsAsObject), attributes: isYes(query.attributesAsObject) }
    return wanted.tags || wanted.attributes ? asObjects(told, wanted) : told
  }

  serve(door, createDevice, async ({ caller, params, query, body }) =>
    show(await devices.createDevice(db, await enter(caller.userId, params.applicationId), body), query),
  )
  serve(door, listDevices, async ({ caller, params, query }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    const page = await devices.listDevices(db, applicationId, query, { deleted: isYes(query.queryDeleted) })
    return { ...page, items: page.items.map((device) => show(device, query)), applicationId }
  })
  serve(door, getDevice, async ({ caller, params, query }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    return show(await devices.getDevice(db, applicationId, params.deviceId), query)
  })
  serve(door, patchDevice, async ({ caller, params, query, body }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    return show(await devices.patchDevice(changing, applicationId, params.deviceId, body), query)
  })
  serve(door, deleteDevice, async ({ caller, params }) => {
    await devices.deleteDevice(db, await enter(caller.userId, params.applicationId), params.deviceId)
    return { success: true }
  })
}
