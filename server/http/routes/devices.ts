/** Devices: contract routes to the rooms below. */

import {
  createDevice,
  type Device,
  deleteDevice,
  getDevice,
  listDevices,
  patchDevice,
} from '../../../contract/devices.ts'
import { sightOf } from '../../access/device-sight.ts'
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
  const changing = { db, forgetAttributes }

  const show = (device: Device, query: Shown): object => {
    const { connectionInfo: _, ...rest } = device
    const told = isYes(query.excludeConnectionInfo) ? rest : device
    const wanted = { tags: isYes(query.tagsAsObject), attributes: isYes(query.attributesAsObject) }
    return wanted.tags || wanted.attributes ? asObjects(told, wanted) : told
  }

  serve(door, createDevice, async ({ params, query, body }) =>
    show(await devices.createDevice(db, params.applicationId, body), query),
  )
  serve(door, listDevices, async ({ caller, params, query }) => {
    const { applicationId } = params
    const shown = { deleted: isYes(query.queryDeleted), within: sightOf(caller) }
    const page = await devices.listDevices(db, applicationId, query, shown)
    return { ...page, items: page.items.map((device) => show(device, query)), applicationId }
  })
  serve(door, getDevice, async ({ params, query }) => {
    const { applicationId } = params
    return show(await devices.getDevice(db, applicationId, params.deviceId), query)
  })
  serve(door, patchDevice, async ({ params, query, body }) => {
    const { applicationId } = params
    return show(await devices.patchDevice(changing, applicationId, params.deviceId, body), query)
  })
  serve(door, deleteDevice, async ({ params }) => {
    await devices.deleteDevice(db, params.applicationId, params.deviceId)
    return { success: true }
  })
}
