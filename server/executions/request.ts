/** Asking for an execution: everything that can be refused is refused here, before anything is queued. */

import type { ExecutionOptions } from '../../contract/executions.ts'
import type { ExecutionLimits } from '../../contract/limits.ts'
import type { StoredNotebook } from '../catalog/notebooks.ts'
import { invalid } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { parseMoment } from '../ground/moments.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { effectiveLimits } from './limits.ts'
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
  const relativeTo = options.relativeTo === undefined ? now : parseMoment(options.relativeTo, now)
  if (!relativeTo) {
    throw invalid(
      'executionOptions.relativeTo must be a time: ISO 8601 text, epoch milliseconds or seconds, a negative number of milliseconds before now, or {"$date": …}',
    )
  }
  requireJson(options.templateContext)
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

function requireJson(context: string | undefined): void {
  if (context === undefined || context === '') return
  try {
    JSON.parse(context)
  } catch (cause) {
    throw invalid(`executionOptions.templateContext must be JSON text: ${String(cause).replace(/^\w+: /, '')}`, cause)
  }
}
