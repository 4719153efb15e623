/** Input deviceData: what the chosen devices reported in a range of time, as CSV. */

import type { Device } from '../../../contract/devices.ts'
import type { DeviceDataInput } from '../../../contract/notebook-files.ts'
import { chooseDevices, type DeviceChoice } from '../../catalog/device-choice.ts'
import { invalid } from '../../ground/errors.ts'
import { isId } from '../../ground/ids.ts'
import { boundOf } from '../../ground/moments.ts'
import { renderTemplate, type TemplateContext } from '../../templates/render.ts'
import type { Gather } from './input.ts'

/** The columns of one CSV; PostgreSQL's limit for a result is 1,664. */
const MAX_ATTRIBUTES = 1500

export const gatherDeviceData: Gather<DeviceDataInput> = async (input, file, staging) => {
  if (input.queryJson) {
    throw invalid('queryJson is not supported yet; choose devices by deviceIds and deviceTags')
  }
  const choice = chooseBy(input, staging.context)
  const devices = await chooseDevices(staging.db, staging.applicationId, choice)
  const attributes = columnsOf(input, devices)
  if (attributes.length > MAX_ATTRIBUTES) {
    throw invalid(`The chosen devices have ${attributes.length} attributes; name at most ${MAX_ATTRIBUTES} of them`)
  }
  const wanted = {
    applicationId: staging.applicationId,
    deviceIds: devices.map(({ id }) => id),
    attributes,
    from: boundOf(input.start, staging.relativeTo),
    to: boundOf(input.end, staging.relativeTo),
  }
  await staging.inTurn(() => staging.telemetry.exportStates(wanted, file, staging.signal))
}

/** Ids and tags of an input with their templates rendered. */
function chooseBy(input: DeviceDataInput, context: TemplateContext): DeviceChoice {
  const deviceIds = (input.deviceIds ?? []).map((template) => {
    const id = renderTemplate(template, context)
    if (!isId(id)) throw invalid(`deviceIds: "${template}" renders to "${id}", which is not a device id`)
    return id.toLowerCase()
  })
  const deviceTags = (input.deviceTags ?? []).map(({ key, value }) => ({
    ...(key === undefined ? {} : { key: renderTemplate(key, context) }),
    ...(value === undefined ? {} : { value: renderTemplate(value, context) }),
  }))
  return { deviceIds, deviceTags }
}

/** The attributes asked for in that order, else all that the devices declare, in the order first seen. */
function columnsOf(input: DeviceDataInput, devices: readonly Device[]): string[] {
  const asked = input.attributes ?? []
  if (asked.length > 0) return [...new Set(asked)]
  return [...new Set(devices.flatMap((device) => device.attributes.map(({ name }) => name)))]
}
