/** Notes about `contract/backfills.ts`. */

import { APPLICATION, BACKFILL, DAY_BEFORE, EXECUTION, MIDNIGHT, NOTEBOOK, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const backfill = {
  id: BACKFILL,
  backfillId: BACKFILL,
  notebookId: NOTEBOOK,
  applicationId: APPLICATION,
  creationDate: '2026-11-26T05:12:42.000Z',
  name: 'The nights of November',
  start: '2026-11-01T00:00:00.000Z',
  end: MIDNIGHT,
  window: 'P1D',
  timeZone: 'UTC',
  sourceType: 'user',
  sourceId: USER,
  windows: 25,
  state: 'running',
  counts: { queued: 20, inProgress: 2, canceling: 0, completed: 3, errored: 0, timeout: 0, canceled: 0 },
}

export const notes: Notes = {
  own: true,
  tag: { name: 'Backfills', description: 'One notebook for many windows of time.' },
  schemas: {
    BackfillPost: {
      is: 'Which range of time, and how it is cut.',
      example: { name: 'The nights of November', start: '2026-11-01T00:00:00.000Z', end: MIDNIGHT, window: 'P1D' },
    },
    Backfill: { is: 'One notebook executed for each window of a range of time.', example: backfill },
    BackfillDetails: {
      is: 'A backfill with the execution of every window.',
      example: { ...backfill, executions: [{ executionId: EXECUTION, relativeTo: DAY_BEFORE, status: 'completed' }] },
    },
  },
  routes: {
    createBackfill: {
      more: 'At most 1,000 windows. Each execution counts its time from the end of its window.',
      errors: {
        429: {
          when: 'More executions would wait than may, or the minutes of the month are used up.',
          message:
            '90 executions of this application wait already and 25 more are asked for, and at most 100 may (its limits); try again when some have started',
        },
      },
    },
    cancelBackfill: { reply: { success: true, canceled: 22 } },
  },
}
