/** Asking for an execution: everything that can be refused is refused here, before anything is queued. */

import type { ExecutionOptions } from '../../contract/executions.ts'
import type { ExecutionLimits } from '../../contract/limits.ts'
import type { StoredNotebook } from '../catalog/notebooks.ts'
import { invalid } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { effectiveLimits } from './limits.ts'
import { queryTime, requireContext } from './options.ts'
import type { Execution } from './record.ts'
import { queueExecution } from './store.ts'

export interface Requester {
  readonly sourceType: Execution['sourceType']
  readonly sourceId: string
}

/**
 * Queues an execution of a notebook as it is now and gives its id.
 * @throws invalid when nothing was uploaded yet, relativeTo is no time, or templateContext is not JSON
 */
export async function requestExecution(
  db: Queryable,
  notebook: StoredNotebook,
  options: ExecutionOptions,
  requester: Requester,
  installation: ExecutionLimits,
  now: Date,
): Promise<string> {
  if (!notebook.jupyterFile) {
    throw invalid('The notebook has no Jupyter file yet; upload an .ipynb before executing it')
  }
  for (const field of ['email', 'callbackUrl'] as const) {
    // Taking it and telling nobody afterwards would be worse than saying so.
    if (options[field]) throw invalid(`executionOptions.${field} is not supported yet; leave it out and poll the logs`)
  }
  const relativeTo = queryTime(options.relativeTo, now, 'executionOptions')
  requireContext(options.templateContext, 'executionOptions')
  const limits = effectiveLimits(notebook.limits, installation)
  const id = newId(now)
  await queueExecution(db, {
    id,
    applicationId: notebook.applicationId,
    notebookId: notebook.id,
    snapshot: {
      name: notebook.name,
      description: notebook.description,
      imageVersion: notebook.imageVersion,
      inputs: notebook.inputs,
      outputs: notebook.outputs,
      jupyterFileName: notebook.jupyterFile.name,
      jupyterBlobKey: notebook.jupyterFile.blobKey,
      limits,
    },
    relativeTo,
    templateContext: options.templateContext,
    sourceType: requester.sourceType,
    sourceId: requester.sourceId,
    maxRunMinutes: limits.runMinutes,
  })
  return id
}
