/** Notes about `contract/input-exports.ts`. */

import { MIDNIGHT } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Notebooks' },
  schemas: {
    InputExportOptions: {
      is: 'For which moment the inputs are wanted, and who is told.',
      example: { relativeTo: MIDNIGHT, email: 'ada@example.com' },
    },
  },
  routes: {
    requestInputDataExport: {
      errors: {
        429: {
          when: 'The inputs of this notebook were exported not long ago.',
          message: 'The inputs of a notebook can be exported once in 10 minutes; try again in 431 seconds',
        },
      },
    },
  },
}
