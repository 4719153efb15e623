/** Notes about `contract/composite-states.ts`. */

import { APPLICATION, CHANGED, FREEZER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const compositeState = { temperature: { value: -18.4, time: CHANGED }, door: { value: false, time: CHANGED } }

export const notes: Notes = {
  tag: { name: 'Device data' },
  schemas: {
    CompositeState: { is: 'The last value of each attribute, by its name.', example: compositeState },
  },
  routes: {
    listCompositeStates: {
      reply: {
        items: [{ id: FREEZER, name: 'Freezer 3', compositeState }],
        count: 1,
        totalCount: 1,
        perPage: 100,
        page: 0,
        sortField: 'name',
        sortDirection: 'asc',
        applicationId: APPLICATION,
      },
    },
  },
}
