/** The export of rows as a job: asked for, once in a while for each table, and done. */

import { join } from 'node:path'
import type { JobQueued } from '../../contract/job-logs.ts'
import type { RowsExport } from '../../contract/rows.ts'
import { requireInterval } from '../jobs/logs.ts'
import { toldOf } from '../jobs/told.ts'
import type { JobRequest, Jobs, JobWork } from '../jobs/work.ts'
import type { Database } from '../stores/postgres/database.ts'
import { openTable } from './data-tables.ts'
import { checkWanted, exportRows, type RowsWanted } from './rows-export.ts'

export const ROWS_EXPORT = 'rowsExport'

export interface RowsExportRequest {
  readonly applicationId: string
  readonly dataTableId: string
  readonly options: RowsExport
  readonly requester: JobRequest['requester']
  readonly baseUrl: string
  /** How long a table has to wait after an export before the next one. */
  readonly intervalMs: number
}

const PATHS = { query: 'exportData.query', options: 'exportData.queryOptions.' }

/** Queues an export. @throws notFound, invalid for what the job could not do, limited when there was one a short while ago */
export async function requestRowsExport(db: Database, jobs: Jobs, request: RowsExportRequest): Promise<JobQueued> {
  const { applicationId, dataTableId, options, requester, baseUrl, intervalMs } = request
  const { query = {}, queryOptions = {}, ...told } = options
  const wanted = { ...queryOptions, query }
  return db.transaction(async (tx) => {
    const table = await openTable(tx, applicationId, dataTableId, { lock: true })
    checkWanted(table, wanted, PATHS)
    const job = { applicationId, kind: ROWS_EXPORT, resourceId: dataTableId }
    await requireInterval(tx, job, intervalMs, 'A data table')
    return jobs.enqueue(tx, {
      ...job,
      name: `Rows of the data table ${table.name}`,
      resourceType: 'datatable',
      requester,
      input: { wanted, ...toldOf(told) },
      baseUrl,
    })
  })
}

/** The work of it: one CSV file. */
export const rowJobs = (db: Database): Readonly<Record<typeof ROWS_EXPORT, JobWork>> => ({
  [ROWS_EXPORT]: async ({ applicationId, resourceId = '', input }, { folder, signal }) => {
    const path = join(folder, 'rows')
    // The input as it was queued just above.
    const wanted = input['wanted'] as RowsWanted
    await exportRows(db, { applicationId, dataTableId: resourceId }, wanted, path, signal, PATHS)
    return { files: [{ name: `${resourceId}.csv`, path }] }
  },
})
