/** Input deviceConnectionHistory: when the chosen devices came and went in a range of time, as CSV. */

import type { ConnectionHistoryInput } from '../../../contract/notebook-files.ts'
import { chooseDeviceIds } from '../../catalog/device-choice.ts'
import { boundOf } from '../../ground/moments.ts'
import { exportConnections } from '../../stores/telemetry/connections.ts'
import { choiceOf, QUERY_PATH } from './chosen-devices.ts'
import { type Column, type GatherTable, text } from './input.ts'

const COLUMNS: readonly Column[] = [
  text('ID'),
  { name: 'Timestamp', type: 'milliseconds' },
  { name: 'connected', type: 'boolean' },
  text('disconnectReason'),
  { name: 'messagesFromClient', type: 'number' },
  { name: 'messagesToClient', type: 'number' },
  text('ipAddress'),
]

export const gatherConnectionHistory: GatherTable<ConnectionHistoryInput> = async (input, file, staging) => {
  const { db, applicationId } = staging
  const deviceIds = await chooseDeviceIds(db, applicationId, choiceOf(input, staging), QUERY_PATH)
  const wanted = {
    applicationId,
    deviceIds,
    from: boundOf(input.start, staging.relativeTo),
    to: boundOf(input.end, staging.relativeTo),
  }
  await staging.inTurn(() => exportConnections(db, wanted, file, staging.signal))
  return COLUMNS
}
