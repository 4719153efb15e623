/** Notes about `contract/notebook-files.ts`. */

import { TABLE } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const table = { outputType: 'dataTable', fileName: 'night.csv', dataTableId: TABLE }
const deviceData = { inputType: 'deviceData', fileName: 'temperatures.csv', start: -86_400_000, end: 0 }

export const notes: Notes = {
  schemas: {
    NotebookInput: { is: 'A file that a notebook is given.', example: deviceData },
    DeviceDataInput: { is: 'What devices reported in a range of time, as CSV.', example: deviceData },
    NotebookOutput: { is: 'What becomes of a file that a notebook leaves.', example: table },
    DataTableOutput: { is: 'The rows of a CSV file go to a data table.', example: table },
    FileOutput: {
      is: 'The file becomes an application file.',
      example: { outputType: 'file', fileName: 'plot.png', destinationFileNameTemplate: 'plot-{{context.night}}.png' },
    },
    DirectoryOutput: {
      is: 'Every file of a directory becomes an application file.',
      example: { outputType: 'directory', directoryName: 'plots', destinationDirectoryTemplate: '/plots' },
    },
    ExecutionResultOutput: {
      is: 'A result of the run itself becomes an application file.',
      example: { outputType: 'executionResult', fileName: 'result.html' },
    },
    TemporaryUrlOutput: {
      is: 'The file is kept for a while and linked to.',
      example: { outputType: 'temporaryUrl', fileName: 'model.onnx' },
    },
  },
}
