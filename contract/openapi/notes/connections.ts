/** Notes about `contract/connections.ts`. */

import { CHANGED } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Device data' },
  schemas: {
    ConnectionStatus: {
      is: 'That a device connected or disconnected.',
      example: { status: 'disconnected', disconnectReason: 'keepalive timeout', messagesFromClient: 512 },
    },
    DeviceLogEntry: {
      is: 'One entry of the connection log.',
      example: { time: CHANGED, connected: 1, ipAddress: '192.0.2.17' },
    },
  },
}
