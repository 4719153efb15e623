/** Notes about `contract/device-bulk.ts`. */

import type { Notes } from '../notes.ts'

const request = { query: { 'tags.floor': '2' }, email: 'ada@example.com' }
const more = 'Up to 1,000 devices are done at once; more are left to a job, and answered with 202.'

export const notes: Notes = {
  tag: { name: 'Devices' },
  schemas: {
    DevicesPatch: {
      is: 'Which devices are to change, and how.',
      example: {
        query: { 'tags.floor': '2' },
        updateOperations: [{ operation: 'set', target: 'tag', value: { key: 'building', value: 'north' } }],
      },
    },
  },
  routes: {
    patchDevices: { more, reply: { updated: 14, failed: 0, skipped: 2 } },
    deleteDevices: { more, request, reply: { removed: 14, failed: 0 } },
    restoreDevices: { more, request, reply: { restored: 14, failed: 0 } },
    exportDevices: { request: { ...request, format: 'csv' } },
  },
}
