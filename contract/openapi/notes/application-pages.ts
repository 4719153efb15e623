/** Notes about `contract/application-pages.ts`. */

import { APPLICATION, CHANGED, FREEZER, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Applications' },
  schemas: {
    Readme: {
      is: 'The readme of an application.',
      example: {
        applicationId: APPLICATION,
        content: '# Cold rooms\n\nWho to call: the dairy, day and night.',
        lastUpdated: CHANGED,
        lastUpdatedById: USER,
        lastUpdatedByType: 'user',
      },
    },
    Found: {
      is: 'Something whose name has the text in it.',
      example: { id: FREEZER, name: 'Freezer 3', metadata: { descriptor: 'standalone' }, _type: 'device' },
    },
  },
  routes: {
    patchReadme: { request: { content: '# Cold rooms\n\nWho to call: the dairy, day and night.' } },
  },
}
