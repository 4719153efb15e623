/** One entry for each type of output: adding a type to the contract breaks the build here until it is known. */

import type { NotebookOutput, OutputType } from '../../../contract/notebook-files.ts'
import { invalid } from '../../ground/errors.ts'
import { storeDataTable } from './data-table.ts'
import { hasDestination, storeExecutionResult, storeFile } from './file.ts'
import type { Store } from './output.ts'

const stores: { [T in OutputType]: Store<Extract<NotebookOutput, { outputType: T }>> } = {
  dataTable: storeDataTable,
  file: storeFile,
  executionResult: storeExecutionResult,
  // The link in outputInfo is all there is to it.
  temporaryUrl: async () => {},
  // Saving such an output is refused; a notebook saved by another version may still have one.
  directory: async () => {
    throw invalid('outputs of type directory are not supported by this version')
  },
}

/** Whether an output is more than the link to its file that every execution has. */
export const isStored = (output: NotebookOutput): boolean =>
  output.outputType === 'executionResult' ? hasDestination(output) : output.outputType !== 'temporaryUrl'

/** Stores any output. @throws what the store of its type throws */
export const storeOutput: Store<NotebookOutput> = (output, file, storing) => {
  // The table pairs each type with its own store, which TypeScript cannot follow through an index.
  const store = stores[output.outputType] as Store<NotebookOutput>
  return store(output, file, storing)
}
