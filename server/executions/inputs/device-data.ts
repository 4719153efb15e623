/** Input deviceData: what the chosen devices reported in a range of time, as CSV, or Parquet when its name ends so. */

import type { DeviceDataInput } from '../../../contract/notebook-files.ts'
import { chooseDeviceIds, declaredAttributes } from '../../catalog/device-choice.ts'
import { invalid } from '../../ground/errors.ts'
import { boundOf } from '../../ground/moments.ts'
import { choiceOf, QUERY_PATH } from './chosen-devices.ts'
import type { Gather } from './input.ts'
import { wantsParquet } from './parquet.ts'

/** The columns of one CSV; PostgreSQL's limit for a result is 1,664. */
const MAX_ATTRIBUTES = 1500

export const gatherDeviceData: Gather<DeviceDataInput> = async (input, file, staging) => {
  const { db, applicationId } = staging
  const choice = choiceOf(input, staging)
  // In the order asked for, else in the order first seen.
  const asked = [...new Set(input.attributes ?? [])]
  const [deviceIds, declared] = await Promise.all([
    chooseDeviceIds(db, applicationId, choice, QUERY_PATH),
    asked.length > 0 ? [] : declaredAttributes(db, applicationId, choice, QUERY_PATH),
  ])
  const attributes = asked.length > 0 ? asked : declared.map(({ name }) => name)
  if (attributes.length > MAX_ATTRIBUTES) {
    throw invalid(`The chosen devices have ${attributes.length} attributes; name at most ${MAX_ATTRIBUTES} of them`)
  }
  const wanted = {
    applicationId,
    deviceIds,
    attributes,
    format: wantsParquet(file) ? ('parquet' as const) : ('csv' as const),
    from: boundOf(input.start, staging.relativeTo),
    to: boundOf(input.end, staging.relativeTo),
  }
  await staging.inTurn(() => staging.telemetry.exportStates(wanted, file, staging.signal))
}
