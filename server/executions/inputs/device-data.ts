/** Input deviceData: what the chosen devices reported in a range of time, as CSV, or Parquet when its name ends so. */

import type { Device } from '../../../contract/devices.ts'
import type { DeviceDataInput } from '../../../contract/notebook-files.ts'
import { chooseDevices } from '../../catalog/device-choice.ts'
import { invalid } from '../../ground/errors.ts'
import { boundOf } from '../../ground/moments.ts'
import { choiceOf, QUERY_PATH } from './chosen-devices.ts'
import type { Gather } from './input.ts'
import { wantsParquet } from './parquet.ts'

/** The columns of one CSV; PostgreSQL's limit for a result is 1,664. */
const MAX_ATTRIBUTES = 1500

export const gatherDeviceData: Gather<DeviceDataInput> = async (input, file, staging) => {
  const devices = await chooseDevices(staging.db, staging.applicationId, choiceOf(input, staging), QUERY_PATH)
  const attributes = columnsOf(input, devices)
  if (attributes.length > MAX_ATTRIBUTES) {
    throw invalid(`The chosen devices have ${attributes.length} attributes; name at most ${MAX_ATTRIBUTES} of them`)
  }
  const wanted = {
    applicationId: staging.applicationId,
    deviceIds: devices.map(({ id }) => id),
    attributes,
    format: wantsParquet(file) ? ('parquet' as const) : ('csv' as const),
    from: boundOf(input.start, staging.relativeTo),
    to: boundOf(input.end, staging.relativeTo),
  }
  await staging.inTurn(() => staging.telemetry.exportStates(wanted, file, staging.signal))
}

/** The attributes asked for in that order, else all that the devices declare, in the order first seen. */
function columnsOf(input: DeviceDataInput, devices: readonly Device[]): string[] {
  const asked = input.attributes ?? []
  if (asked.length > 0) return [...new Set(asked)]
  return [...new Set(devices.flatMap((device) => device.attributes.map(({ name }) => name)))]
}
