/** Notes about `contract/device-words.ts`. */

import { FREEZER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Devices' },
  routes: {
    getAttributeNames: { reply: { attributeNames: ['door', 'temperature'] } },
    getDeviceNames: { reply: { deviceSummary: [{ id: FREEZER, name: 'Freezer 3', deviceClass: 'peripheral' }] } },
    getTagKeys: { reply: { tagKeys: ['building', 'floor'] } },
    getTagValues: { reply: { tagKey: 'floor', tagValues: ['1', '2'] } },
  },
}
