/** Asking for a zip of a notebook's inputs: what can be refused is refused here, the job behind it does the rest. */

import type { InputExportOptions } from '../../contract/input-exports.ts'
import type { JobQueued } from '../../contract/job-logs.ts'
import type { StoredNotebook } from '../catalog/notebooks.ts'
import { requireInterval } from '../jobs/logs.ts'
import type { JobRequest, Jobs } from '../jobs/work.ts'
import type { Database } from '../stores/postgres/database.ts'
import { queryTime, requireContext } from './options.ts'

/** The kind of the job. */
export const INPUT_EXPORT = 'notebookInputs'

export interface InputExportRequest {
  readonly notebook: StoredNotebook
  readonly options: InputExportOptions
  readonly requester: JobRequest['requester']
  readonly baseUrl: string
  /** How long after one export the next one may follow; one that failed does not count. */
  readonly intervalMs: number
}

/**
 * Queues the export of a notebook's inputs.
 * @throws invalid when relativeTo is no time or templateContext not JSON; limited when there was one a short while ago
 */
export async function requestInputExport(
  db: Database,
  jobs: Jobs,
  { notebook, options, requester, baseUrl, intervalMs }: InputExportRequest,
  now: Date,
): Promise<JobQueued> {
  const { relativeTo, ...rest } = options
  const input = { ...rest, relativeTo: queryTime(relativeTo, now, 'exportOptions').toISOString() }
  requireContext(options.templateContext, 'exportOptions')
  const { id, applicationId } = notebook
  return db.transaction(async (tx) => {
    await tx.query('select id from notebooks where id = $1 for update', [id])
    const job = { applicationId, kind: INPUT_EXPORT, resourceId: id }
    await requireInterval(tx, job, intervalMs, 'The inputs of a notebook')
    return jobs.enqueue(tx, {
      ...job,
      name: `Inputs of the notebook ${notebook.name}`,
      resourceType: 'notebook',
      requester,
      input,
      baseUrl,
    })
  })
}
