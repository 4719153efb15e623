/** One entry for each type of input: adding a type to the contract breaks the build here until it is known. */

import type { InputType, NotebookInput } from '../../../contract/notebook-files.ts'
import { gatherApplicationFile } from './application-file.ts'
import { gatherConnectionHistory } from './connection-history.ts'
import { gatherDataTable } from './data-table.ts'
import { gatherDeviceData } from './device-data.ts'
import { gatherDeviceObjects, gatherDeviceTable } from './device-metadata.ts'
import { gatherEventObjects, gatherEventTable } from './event-data.ts'
import { gatherExternalUrl } from './external-url.ts'
import type { Gather, GatherTable } from './input.ts'
import { inFormatOfName } from './parquet.ts'

/** As the input's format says, which is CSV when it says nothing. */
const either =
  <Input extends { format?: 'csv' | 'json' }>(csv: GatherTable<Input>, json: Gather<Input>): Gather<Input> =>
  (input, file, staging) =>
    (input.format === 'json' ? json : inFormatOfName(csv))(input, file, staging)

const gatherers: { [T in InputType]: Gather<Extract<NotebookInput, { inputType: T }>> } = {
  deviceData: gatherDeviceData,
  deviceConnectionHistory: inFormatOfName(gatherConnectionHistory),
  deviceMetadata: either(gatherDeviceTable, gatherDeviceObjects),
  dataTable: inFormatOfName(gatherDataTable),
  eventData: either(gatherEventTable, gatherEventObjects),
  externalUrl: gatherExternalUrl,
  applicationFile: gatherApplicationFile,
}

/** Writes any input to `file`. @throws what the gatherer of its type throws, the signal's reason once that is aborted */
export const gatherInput: Gather<NotebookInput> = async (input, file, staging) => {
  // The table pairs each type with its own gatherer, which TypeScript cannot follow through an index.
  const gather = gatherers[input.inputType] as Gather<NotebookInput>
  staging.signal.throwIfAborted()
  try {
    await gather(input, file, staging)
  } catch (error) {
    // What was cut off looks like a fault of whatever was cut: a connection that was lost, a query that was ended.
    staging.signal.throwIfAborted()
    throw error
  }
}
