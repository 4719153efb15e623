/** Notes about `contract/schedules.ts`. */

import { APPLICATION, CHANGED, EXECUTION, MADE, NOTEBOOK, SCHEDULE } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  own: true,
  tag: { name: 'Schedules', description: 'When a notebook is executed without anybody asking.' },
  schemas: {
    CatchUp: { is: 'What becomes of planned times that passed while nobody looked: nothing, the last one, or all.' },
    Overlap: { is: 'What is done when the execution before has not ended.' },
    SchedulePost: {
      is: 'A schedule to be made.',
      example: { name: 'Every morning', cron: '0 6 * * *', timeZone: 'Europe/Berlin', catchUp: 'last' },
    },
    SchedulePatch: { is: 'What is to change of a schedule.', example: { enabled: false } },
    Schedule: {
      is: 'A schedule.',
      example: {
        id: SCHEDULE,
        scheduleId: SCHEDULE,
        notebookId: NOTEBOOK,
        applicationId: APPLICATION,
        creationDate: MADE,
        lastUpdated: CHANGED,
        name: 'Every morning',
        cron: '0 6 * * *',
        timeZone: 'Europe/Berlin',
        enabled: true,
        catchUp: 'last',
        catchUpLimit: 1,
        overlap: 'skip',
        nextRuns: ['2026-11-27T05:00:00.000Z', '2026-11-28T05:00:00.000Z'],
        lastRun: {
          plannedFor: '2026-11-26T05:00:00.000Z',
          queuedAt: '2026-11-26T05:00:00.012Z',
          executionId: EXECUTION,
        },
      },
    },
  },
}
