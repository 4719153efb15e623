/** Applications: contract routes to the rooms below. */

import { createApplication, getApplication, listApplications } from '../../../contract/applications.ts'
import * as applications from '../../catalog/applications.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of applications. */
export function serveApplications(door: Door, { db }: Parts): void {
  serve(door, createApplication, ({ caller, body }) => applications.createApplication(db, caller.userId, body))
  serve(door, listApplications, ({ caller, query }) => applications.listApplications(db, caller.userId, query))
  serve(door, getApplication, ({ caller, params }) =>
    applications.getApplication(db, caller.userId, params.applicationId),
  )
}
