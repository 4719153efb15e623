/** Job logs: contract routes to the rooms below. */

import { getJobLog, listJobLogs } from '../../../contract/job-logs.ts'
import * as logs from '../../catalog/job-logs.ts'
import { getJob, toJobLog } from '../../jobs/logs.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of job logs. */
export function serveJobLogs(door: Door, { db, linkFile }: Parts): void {
  serve(door, listJobLogs, async ({ params, query, baseUrl }) => {
    const { applicationId } = params
    return { ...(await logs.listJobLogs(db, applicationId, query, { baseUrl, linkFile })), applicationId }
  })
  serve(door, getJobLog, async ({ params, baseUrl }) => {
    const { applicationId } = params
    return toJobLog(await getJob(db, applicationId, params.jobId), baseUrl, linkFile)
  })
}
