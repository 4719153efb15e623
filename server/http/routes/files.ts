/** Application files: contract routes to the rooms below. */

import { getFile, listFiles } from '../../../contract/files.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as files from '../../catalog/files.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of application files. */
export function serveFiles(door: Door, { db }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)

  serve(door, listFiles, async ({ caller, params, query, baseUrl }) =>
    files.listFiles(db, await enter(caller.userId, params.applicationId), query, baseUrl),
  )
  serve(door, getFile, async ({ caller, params, baseUrl }) =>
    files.getFile(db, await enter(caller.userId, params.applicationId), params.fileId, baseUrl),
  )
}
