/** Notes about `contract/shapes.ts`. */

import type { Notes } from '../notes.ts'

export const notes: Notes = {
  schemas: {
    Success: { is: 'That it was done.', example: { success: true } },
    TimeFormats: {
      is: 'A moment: ISO 8601, milliseconds or seconds since 1970, a negative number of milliseconds before now, or an object with a `$date`.',
      example: '2026-11-26T00:00:00.000Z',
    },
    SourceType: { is: 'What kind of thing caused something.' },
  },
}
