/** Notes about `contract/minutes.ts`. */

import { DAY_BEFORE, MIDNIGHT } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const counts = {
  start: DAY_BEFORE,
  end: MIDNIGHT,
  counts: [{ date: DAY_BEFORE, minutes: 2, completed: 1, canceled: 0, errored: 1, timeout: 0 }],
}

export const notes: Notes = {
  schemas: {
    MinuteCount: { is: 'Minutes and endings of one day.', example: counts.counts[0] },
    MinuteCounts: { is: 'Minutes and endings by day.', example: counts },
  },
}
