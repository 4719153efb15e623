/** Notes about `contract/ignored.ts`. */

import { APPLICATION, CHANGED, FREEZER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  own: true,
  tag: { name: 'Device data' },
  schemas: {
    IgnoredCounts: { is: 'How many were not stored, by reason.', example: { undeclared: 12, tooOld: 1 } },
  },
  routes: {
    getIgnored: {
      reply: {
        applicationId: APPLICATION,
        ignored: { undeclared: 12 },
        items: [{ deviceId: FREEZER, lastIgnored: CHANGED, ignored: { undeclared: 12 } }],
        count: 1,
        totalCount: 1,
        perPage: 100,
        page: 0,
      },
    },
  },
}
