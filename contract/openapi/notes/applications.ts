/** Notes about `contract/applications.ts`. */

import { APPLICATION, CHANGED, DAY_BEFORE, MADE, MIDNIGHT, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const global = { key: 'warnAbove', json: '-15', description: 'Degrees Celsius' }

export const notes: Notes = {
  tag: { name: 'Applications', description: 'The tenant that everything else belongs to.' },
  schemas: {
    RunStats: {
      is: 'What notebooks are at, and used in the month so far.',
      example: { awaitingCompletion: 1, minutesThisPeriod: 212, runsThisPeriod: 31 },
    },
    ApplicationGlobal: { is: 'A value that templates of the application can use.', example: global },
    GlobalPatch: { is: 'What is to become of one global.', example: { key: 'warnAbove', json: '-16' } },
    ApplicationPost: {
      is: 'An application to be made.',
      example: { name: 'Cold rooms', description: 'Freezers of the dairy', globals: [global] },
    },
    ApplicationPatch: { is: 'What is to change of an application.', example: { description: 'All freezers' } },
    ApplicationSummary: {
      is: 'How much there is in an application.',
      example: { deviceCount: 14, notebookCount: 3 },
    },
    DeviceCounts: {
      is: 'Devices on each day of a range.',
      example: { start: DAY_BEFORE, end: MIDNIGHT, counts: [{ date: DAY_BEFORE, created: 2, deleted: 0, total: 14 }] },
    },
    Application: {
      is: 'An application.',
      example: {
        id: APPLICATION,
        applicationId: APPLICATION,
        creationDate: MADE,
        lastUpdated: CHANGED,
        ownerId: USER,
        ownerType: 'user',
        name: 'Cold rooms',
        description: 'Freezers of the dairy',
        globals: [global],
      },
    },
  },
  routes: {
    patchGlobals: {
      more: 'Globals that are not named stay as they are.',
      request: [{ key: 'warnAbove', json: '-16' }],
    },
    getDeviceCounts: { more: 'Without a range it is the thirty days up to now.' },
    deleteApplication: {
      more: 'What it has is removed in the background; nothing of it can be seen any more at once.',
    },
  },
}
