/** The jobs of an application, listed. */

import type { JobLog } from '../../contract/job-logs.ts'
import type { LinkFile } from '../jobs/files.ts'
import { toJobLog } from '../jobs/logs.ts'
import type { JobRow } from '../jobs/store.ts'
import { knownFields } from '../query/fields.ts'
import { parseQueryJson } from '../query/parse.ts'
import { translateQuery } from '../query/translate.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

const fields = knownFields({
  id: { sql: 'job_logs.id', type: 'id' },
  runQueuedAt: { sql: 'job_logs.queued_at', type: 'time' },
  runStartedAt: { sql: 'job_logs.started_at', type: 'time' },
  runCompletedAt: { sql: 'job_logs.completed_at', type: 'time' },
  status: { sql: 'job_logs.status', type: 'string' },
  name: { sql: 'job_logs.name', type: 'string' },
  resourceId: { sql: 'job_logs.resource_id', type: 'id' },
  resourceType: { sql: 'job_logs.resource_type', type: 'string' },
})

/** A page of jobs, those queued first in front; links start with `baseUrl`. @throws invalid for a faulty query */
export async function listJobLogs(
  db: Queryable,
  applicationId: string,
  { query, ...list }: ListQuery & { query?: unknown },
  links: { readonly baseUrl: string; readonly linkFile: LinkFile },
): Promise<Page<JobLog> & { query?: unknown }> {
  const asked = typeof query === 'string' ? parseQueryJson(query, 'query') : query
  const values: unknown[] = [applicationId]
  const condition = asked === undefined ? 'true' : translateQuery(asked, fields, values)
  const source = {
    from: `job_logs where application_id = $1 and ${condition}`,
    values,
    sort: {
      runQueuedAt: 'queued_at',
      name: 'name',
      status: 'status',
      resourceType: 'resource_type',
      runStartedAt: 'started_at',
      runCompletedAt: 'completed_at',
    },
    defaultSort: 'runQueuedAt',
  }
  const { filter: _, filterField: __, ...plain } = list
  const page = await listPage<JobRow, JobLog>(db, source, plain, (row) => toJobLog(row, links.baseUrl, links.linkFile))
  return { ...page, ...(asked === undefined ? {} : { query: asked }) }
}
