/** Notes about `contract/device-operations.ts`. */

import type { Notes } from '../notes.ts'

export const notes: Notes = {
  schemas: {
    UpdateOperation: {
      is: 'One change of a device: something is set, removed or added.',
      example: { operation: 'set', target: 'tag', value: { key: 'building', value: 'north' } },
    },
  },
}
