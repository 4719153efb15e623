/** Whether devices are connected: contract routes to the rooms below. */

import { getLogEntries, setConnectionStatus } from '../../../contract/connections.ts'
import { listLogEntries, setConnectionStatus as writeConnectionStatus } from '../../catalog/connections.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of connections. */
export function serveConnections(door: Door, { db }: Parts): void {
  serve(door, setConnectionStatus, async ({ params, body }) => {
    const { applicationId } = params
    await writeConnectionStatus(db, applicationId, params.deviceId, body, new Date())
    return { success: true }
  })
  serve(door, getLogEntries, async ({ params, query }) => {
    const { applicationId } = params
    return listLogEntries(db, applicationId, params.deviceId, query, new Date())
  })
}
