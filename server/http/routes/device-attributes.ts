/** The attributes of one device: contract routes to the rooms below. */

import {
  createAttribute,
  deleteAttribute,
  getAttribute,
  listAttributes,
  patchAttribute,
} from '../../../contract/device-attributes.ts'
import * as attributes from '../../catalog/device-attributes.ts'
import { forgetAttributes } from '../../stores/telemetry/forget-attributes.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of attributes. */
export function serveDeviceAttributes(door: Door, { db }: Parts): void {
  const changing = { db, forgetAttributes }
  const placeOf = ({ applicationId, deviceId }: attributes.DevicePlace): attributes.DevicePlace => ({
    applicationId,
    deviceId,
  })

  serve(door, listAttributes, async ({ params, query }) => attributes.listAttributes(db, placeOf(params), query))
  serve(door, createAttribute, async ({ params, body }) => {
    const place = placeOf(params)
    return { ...(await attributes.createAttribute(changing, place, body)), ...place }
  })
  serve(door, getAttribute, async ({ params }) => {
    const place = placeOf(params)
    return { ...(await attributes.getAttribute(db, place, params.name)), ...place }
  })
  serve(door, patchAttribute, async ({ params, body }) => {
    const place = placeOf(params)
    return { ...(await attributes.patchAttribute(changing, place, params.name, body)), ...place }
  })
  serve(door, deleteAttribute, async ({ params }) => {
    await attributes.deleteAttribute(changing, placeOf(params), params.name)
    return { success: true }
  })
}
