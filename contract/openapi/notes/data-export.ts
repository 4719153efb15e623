/** Notes about `contract/data-export.ts`. */

import { FREEZER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Device data' },
  schemas: {
    DevicesDataExport: {
      is: 'What is to be exported of which devices.',
      example: {
        deviceIds: [FREEZER],
        attributes: ['temperature'],
        start: -604_800_000,
        end: 0,
        email: 'ada@example.com',
        options: { includeDate: true, filePerDevice: false },
      },
    },
    DeviceDataExport: {
      is: 'What is to be exported of one device.',
      example: { attributes: ['temperature'], start: -604_800_000, end: 0, email: 'ada@example.com' },
    },
    DevicesRemoveData: {
      is: 'What is to be removed of which devices.',
      example: { query: { 'tags.floor': '2' }, start: 1, end: -31_536_000_000, attributes: ['door'] },
    },
  },
}
