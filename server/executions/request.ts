/** Asking for an execution: everything that can be refused is refused here, before anything is queued. */

import type { ExecutionOptions } from '../../contract/executions.ts'
import type { AllLimits, InstallationLimits } from '../../contract/limits.ts'
import { effectiveLimits, executionLimits } from '../catalog/limits.ts'
import type { StoredNotebook } from '../catalog/notebooks.ts'
import { invalid } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { toldOf } from '../jobs/told.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { queryTime, requireContext } from './options.ts'
import { requirePlace } from './places.ts'
import { type NewExecutions, queueExecutions } from './queue.ts'
import type { Execution, Tells } from './record.ts'

export interface Requester {
  readonly sourceType: Execution['sourceType']
  readonly sourceId: string
  /** Where the caller reached the service, for links in what is told of the end. */
  readonly baseUrl?: string
  /** What planned it, and for when. */
  readonly schedule?: Execution['schedule']
}

/**
 * Queues an execution of a notebook as it is now and gives its id. In a transaction, which keeps others of the application
 * from queuing until its end: outside of one, two at once could both take the last place.
 * @throws invalid when nothing was uploaded yet, relativeTo is no time, or templateContext is not JSON; limited when too
 *   many wait, or the minutes of the month are used up
 */
export async function requestExecution(
  tx: Queryable,
  notebook: StoredNotebook,
  options: ExecutionOptions,
  requester: Requester,
  installation: InstallationLimits,
  now: Date,
): Promise<string> {
  requireFile(notebook)
  const relativeTo = queryTime(options.relativeTo, now, 'executionOptions')
  requireContext(options.templateContext, 'executionOptions')
  const allowed = await requirePlace(tx, { ...notebook, notebookId: notebook.id }, installation, now)
  const shared = executionOf(notebook, options.templateContext, requester, allowed)
  const id = newId(now)
  await queueExecutions(tx, { ...shared, tells: tellsOf(options, requester) }, [{ id, relativeTo }])
  return id
}

/**
 * What is written down of a notebook for its executions: it may be changed before they run. `allowed` are the limits of
 * its application. @throws invalid without a file
 */
export function executionOf(
  notebook: StoredNotebook,
  templateContext: string | undefined,
  requester: Requester,
  allowed: AllLimits,
): NewExecutions {
  const jupyterFile = requireFile(notebook)
  const limits = effectiveLimits(notebook.limits, executionLimits(allowed))
  return {
    applicationId: notebook.applicationId,
    notebookId: notebook.id,
    snapshot: {
      name: notebook.name,
      description: notebook.description,
      imageVersion: notebook.imageVersion,
      inputs: notebook.inputs,
      outputs: notebook.outputs,
      jupyterFileName: jupyterFile.name,
      jupyterBlobKey: jupyterFile.blobKey,
      limits,
    },
    templateContext,
    sourceType: requester.sourceType,
    sourceId: requester.sourceId,
    schedule: requester.schedule,
    maxRunMinutes: limits.runMinutes,
  }
}

function requireFile({ jupyterFile }: StoredNotebook): NonNullable<StoredNotebook['jupyterFile']> {
  if (jupyterFile) return jupyterFile
  throw invalid('The notebook has no Jupyter file yet; upload an .ipynb before executing it')
}

/** Who is to be told of the end; empty text is nobody. */
function tellsOf(options: ExecutionOptions, { baseUrl }: Requester): Tells | undefined {
  if (!options.email && !options.callbackUrl) return undefined
  return { ...toldOf(options), ...(baseUrl ? { baseUrl } : {}) }
}
