/** Notes about `contract/telemetry.ts`. */

import { APPLICATION } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  own: true,
  tag: { name: 'Device data' },
  schemas: {
    TelemetryPut: { is: 'How long states are to be kept.', example: { retentionDays: 730 } },
    Telemetry: {
      is: 'How long states are kept, and how many there are.',
      example: {
        applicationId: APPLICATION,
        retentionDays: 730,
        installationRetentionDays: null,
        hotReports: 1204,
        segments: 31,
        sealedStates: 4_812_009,
        sealedBytes: 39_204_118,
      },
    },
  },
}
