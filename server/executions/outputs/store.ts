/** One entry for each type of output: adding a type to the contract breaks the build here until it is known. */

import type { NotebookOutput, OutputType } from '../../../contract/notebook-files.ts'
import { storeDataTable } from './data-table.ts'
import { hasDestination } from './destination.ts'
import { storeDirectory } from './directory.ts'
import { storeExecutionResult, storeFile } from './file.ts'
import type { OutputFile, OutputTree, Store } from './output.ts'

/** What was taken for an output of a type. */
type Content<T extends OutputType> = T extends 'directory' ? OutputTree : OutputFile

const stores: { [T in OutputType]: Store<Extract<NotebookOutput, { outputType: T }>, Content<T>> } = {
  dataTable: storeDataTable,
  file: storeFile,
  directory: storeDirectory,
  executionResult: storeExecutionResult,
  // The link in outputInfo is all there is to it.
  temporaryUrl: async () => {},
}

/** Whether an output is more than the link to its file that every execution has. */
export const isStored = (output: NotebookOutput): boolean =>
  output.outputType === 'executionResult' ? hasDestination(output) : output.outputType !== 'temporaryUrl'

/** Stores any output. @throws what the store of its type throws */
export const storeOutput: Store<NotebookOutput, OutputFile | OutputTree> = (output, content, storing) => {
  // The table pairs each type with its own store, which TypeScript cannot follow through an index.
  const store = stores[output.outputType] as Store<NotebookOutput, OutputFile | OutputTree>
  return store(output, content, storing)
}
