/** Notes about `contract/device-attributes.ts`. */

import { APPLICATION, FREEZER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const attribute = {
  name: 'temperature',
  dataType: 'number',
  description: 'Degrees Celsius',
  applicationId: APPLICATION,
  deviceId: FREEZER,
}

export const notes: Notes = {
  tag: { name: 'Device attributes', description: 'The attributes of one device, each for itself.' },
  schemas: {
    AttributePatch: { is: 'What is to change of an attribute.', example: { attributeTags: { unit: 'celsius' } } },
    AttributeReply: { is: 'An attribute of a device.', example: attribute },
  },
  routes: {
    listAttributes: {
      reply: {
        items: [attribute],
        count: 1,
        totalCount: 1,
        sortField: 'name',
        sortDirection: 'asc',
        applicationId: APPLICATION,
        deviceId: FREEZER,
        _type: 'deviceAttributes',
      },
    },
  },
}
