/** The log of who did what. */

import { getAuditLog, getInstallationAuditLog } from '../../../contract/audit-log.ts'
import { listDeeds } from '../../catalog/audit-log.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the logs of an application and of the installation. */
export function serveAuditLog(door: Door, { db }: Parts): void {
  serve(door, getAuditLog, async ({ params: { applicationId }, query }) => {
    await door.deeds.write() // what this process counted since it last wrote
    return { ...(await listDeeds(db, { applicationId }, query, new Date())), applicationId }
  })
  serve(door, getInstallationAuditLog, async ({ query: { applicationId, ...query } }) => {
    await door.deeds.write()
    const of = applicationId === undefined ? 'installation' : { applicationId: applicationId.toLowerCase() }
    return listDeeds(db, of, query, new Date())
  })
}
