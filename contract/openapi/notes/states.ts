/** Notes about `contract/states.ts`. */

import { CHANGED } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Device data', description: 'What devices report, and questions about it.' },
  schemas: {
    DeviceState: {
      is: 'What a device reported for one moment.',
      example: { time: CHANGED, data: { temperature: -18.4, door: false } },
    },
    IgnoredReason: { is: 'Why a state, or one of its values, was not stored.' },
  },
  routes: {
    sendState: {
      more: 'Values of attributes that the device does not have, or of another type, are not stored and counted (`telemetry/ignored`). A state without a time is of now.',
      request: { time: CHANGED, data: { temperature: -18.4, door: false } },
    },
  },
}
