/** The attributes of one device: contract routes to the rooms below. */

import {
  createAttribute,
  deleteAttribute,
  getAttribute,
  listAttributes,
  patchAttribute,
} from '../../../contract/device-attributes.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as attributes from '../../catalog/device-attributes.ts'
import { forgetAttributes } from '../../stores/telemetry/forget-attributes.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of attributes. */
export function serveDeviceAttributes(door: Door, { db }: Parts): void {
  const changing = { db, forgetAttributes }
  const placeOf = async (
    userId: string,
    params: { applicationId: string; deviceId: string },
  ): Promise<attributes.DevicePlace> => ({
    applicationId: await enterApplication(db, userId, params.applicationId),
    deviceId: params.deviceId,
  })

  serve(door, listAttributes, async ({ caller, params, query }) =>
    attributes.listAttributes(db, await placeOf(caller.userId, params), query),
  )
  serve(door, createAttribute, async ({ caller, params, body }) => {
    const place = await placeOf(caller.userId, params)
    return { ...(await attributes.createAttribute(changing, place, body)), ...place }
  })
  serve(door, getAttribute, async ({ caller, params }) => {
    const place = await placeOf(caller.userId, params)
    return { ...(await attributes.getAttribute(db, place, params.name)), ...place }
  })
  serve(door, patchAttribute, async ({ caller, params, body }) => {
    const place = await placeOf(caller.userId, params)
    return { ...(await attributes.patchAttribute(changing, place, params.name, body)), ...place }
  })
  serve(door, deleteAttribute, async ({ caller, params }) => {
    await attributes.deleteAttribute(changing, await placeOf(caller.userId, params), params.name)
    return { success: true }
  })
}
