/** Notes about `contract/application-keys.ts`. */

import { APPLICATION, CHANGED, FREEZER, MADE, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const key = {
  id: '6923c5115c3e8d0012a4b724',
  applicationKeyId: '6923c5115c3e8d0012a4b724',
  applicationId: APPLICATION,
  creationDate: MADE,
  createdById: USER,
  createdByType: 'user',
  lastUpdated: CHANGED,
  lastUpdatedById: USER,
  lastUpdatedByType: 'user',
  key: '3d1c9a0e-6f0b-4f0e-9f1a-2d0f6f6f2b11',
  status: 'active',
  deviceIds: [FREEZER],
  deviceTags: [],
  name: 'Freezers of the north wing',
  filterType: 'all',
  pubTopics: [],
  subTopics: [],
  addressFilterType: 'whitelist',
  addresses: ['192.0.2.0/24'],
}

export const notes: Notes = {
  tag: { name: 'Access keys', description: 'What devices sign in with.' },
  schemas: {
    ApplicationKeyPost: {
      is: 'An access key to be made.',
      example: {
        name: 'Freezers of the north wing',
        deviceIds: [FREEZER],
        addressFilterType: 'whitelist',
        addresses: ['192.0.2.0/24'],
      },
    },
    ApplicationKeyPatch: { is: 'What is to change of an access key.', example: { status: 'inactive' } },
    ApplicationKey: { is: 'An access key.', example: key },
    MadeApplicationKey: {
      is: 'An access key with its secret.',
      example: { ...key, secret: '7b2f0c6d9e4a41f8b3d5c1a2e8f709467b2f0c6d9e4a41f8b3d5c1a2e8f70946' },
    },
  },
  routes: {
    createApplicationKey: {
      more: 'A key gives its devices all that `all.Device` allows and has no end, so it is made with a token that may as much: with less, or with an API token that ends, the answer is 403.',
    },
  },
}
