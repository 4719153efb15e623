/** One entry for each type of input: adding a type to the contract breaks the build here until it is known. */

import type { InputType, NotebookInput } from '../../../contract/notebook-files.ts'
import { invalid } from '../../ground/errors.ts'
import { gatherDeviceData } from './device-data.ts'
import type { Gather } from './input.ts'

/** Saving such an input is refused; a notebook saved by another version may still have one. */
const unsupported: Gather<NotebookInput> = async ({ inputType }) => {
  throw invalid(`inputs of type ${inputType} are not supported by this version`)
}

const gatherers: { [T in InputType]: Gather<Extract<NotebookInput, { inputType: T }>> } = {
  deviceData: gatherDeviceData,
  deviceConnectionHistory: unsupported,
  deviceMetadata: unsupported,
  dataTable: unsupported,
  eventData: unsupported,
  externalUrl: unsupported,
  applicationFile: unsupported,
}

/** Writes any input to `file`. @throws what the gatherer of its type throws */
export const gatherInput: Gather<NotebookInput> = (input, file, staging) => {
  // The table pairs each type with its own gatherer, which TypeScript cannot follow through an index.
  const gather = gatherers[input.inputType] as Gather<NotebookInput>
  return gather(input, file, staging)
}
