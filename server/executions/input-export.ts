/** Asking for a zip of a notebook's inputs: what can be refused is refused here, the job behind it does the rest. */

import type { InputExportOptions } from '../../contract/input-exports.ts'
import type { JobQueued } from '../../contract/job-logs.ts'
import type { StoredNotebook } from '../catalog/notebooks.ts'
import { limited } from '../ground/errors.ts'
import { latestJob } from '../jobs/logs.ts'
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
    // Two requests at once are one after the other here, so the second one sees the first.
    await tx.query('select id from notebooks where id = $1 for update', [id])
    const latest = await latestJob(tx, applicationId, INPUT_EXPORT, id)
    const waitMs = latest ? intervalMs - latest.ageMs : 0
    if (waitMs > 0) {
      const minutes = intervalMs / 60_000
      throw limited(
        `The inputs of a notebook can be exported once in ${minutes} minutes; try again in ${Math.ceil(waitMs / 1000)} seconds`,
        Math.ceil(waitMs / 1000),
      )
    }
    return jobs.enqueue(tx, {
      applicationId,
      kind: INPUT_EXPORT,
      name: `Inputs of the notebook ${notebook.name}`,
      resourceType: 'notebook',
      resourceId: id,
      requester,
      input,
      baseUrl,
    })
  })
}
