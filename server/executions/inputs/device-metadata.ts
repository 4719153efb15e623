/** Input deviceMetadata: the chosen devices as they are now, as CSV or JSON. */

import type { DeviceMetadataInput } from '../../../contract/notebook-files.ts'
import { exportDeviceMetadata } from '../../catalog/device-export.ts'
import { choiceOf, QUERY_PATH } from './chosen-devices.ts'
import { readHeader } from './header.ts'
import { type Gather, type GatherTable, type Staging, text } from './input.ts'

/** An array of whole devices. */
export const gatherDeviceObjects: Gather<DeviceMetadataInput> = (input, file, staging) =>
  write(input, 'json', file, staging)

/** A line for each device; which columns there are depends on the tags they have. */
export const gatherDeviceTable: GatherTable<DeviceMetadataInput> = async (input, file, staging) => {
  await write(input, 'csv', file, staging)
  return (await readHeader(file)).map(text)
}

async function write(input: DeviceMetadataInput, format: 'csv' | 'json', file: string, staging: Staging) {
  const { db, applicationId, signal } = staging
  const wanted = { applicationId, choice: choiceOf(input, staging), format, queryPath: QUERY_PATH }
  await staging.inTurn(() => exportDeviceMetadata(db, wanted, file, signal))
}
