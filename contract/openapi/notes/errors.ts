/** Notes about `contract/errors.ts`. */

import type { Notes } from '../notes.ts'

export const notes: Notes = {
  schemas: {
    ApiError: { is: 'A refusal.', example: { type: 'NotFound', message: 'Notebook was not found' } },
  },
}
