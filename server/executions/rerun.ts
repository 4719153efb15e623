/**
 * The same execution again: the notebook as it was configured and uploaded then, its query time and context, and the very
 * inputs, which are not gathered anew but taken from where they are kept.
 */

import type { InstallationLimits } from '../../contract/limits.ts'
import { effectiveLimits, executionLimits } from '../catalog/limits.ts'
import { conflict, gone } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { isAway } from '../stores/postgres/away.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { isFinal } from './lifecycle.ts'
import { requirePlace } from './places.ts'
import { queueExecutions } from './queue.ts'
import { type Execution, executionBlobs, type KeptFile } from './record.ts'
import type { Requester } from './request.ts'

export interface RerunParts {
  readonly db: Database
  readonly blobs: Blobs
  /** Told the id in the transaction that queues it, at its end. */
  readonly queued?: (tx: Queryable, id: string) => Promise<void>
}

/**
 * Queues an execution that repeats another one and gives its id. The inputs are kept under its own name from now on, so
 * that it can run whatever becomes of the first one; limits are those of then, but none above those of
 * the application today.
 * @throws conflict when the execution has not ended or never had all of its inputs, gone when one of them, or the uploaded
 *   notebook, is kept no longer; limited as `requirePlace` says
 */
export async function requestRerun(
  { db, blobs, queued }: RerunParts,
  execution: Execution,
  requester: Requester,
  installation: InstallationLimits,
  now: Date,
): Promise<string> {
  const { id: rerunOf, status, snapshot, inputInfo } = execution
  if (!isFinal(status)) {
    throw conflict(`The execution has not ended, it is ${status}; it can be run again once it has`)
  }
  const had = Object.keys(inputInfo).length
  if (had < snapshot.inputs.length) {
    throw conflict(
      `The execution had ${had} of its ${snapshot.inputs.length} inputs when it ended; execute the notebook anew instead`,
    )
  }
  if (!(await blobs.stat(snapshot.jupyterBlobKey))) {
    throw gone(`The notebook that was executed, ${snapshot.jupyterFileName}, is kept no longer`)
  }
  const id = newId(now)
  try {
    const givenInputs = await keepInputs(blobs, inputInfo, givenBlobs(id))
    const { applicationId, notebookId, relativeTo, templateContext } = execution
    await db.transaction(async (tx) => {
      const allowed = await requirePlace(tx, execution, installation, now)
      const limits = effectiveLimits(snapshot.limits ?? {}, executionLimits(allowed))
      const shared = { applicationId, notebookId, snapshot: { ...snapshot, limits }, templateContext, ...requester }
      await queueExecutions(tx, { ...shared, maxRunMinutes: limits.runMinutes, rerunOf, givenInputs }, [
        { id, relativeTo },
      ])
      await queued?.(tx, id)
    })
    return id
  } catch (error) {
    // When the database went away it may have queued the execution all the same. What is nobody's, the daily pass collects.
    if (!isAway(error)) await blobs.deleteAll(executionBlobs(id))
    throw error
  }
}

/** Where inputs are kept that came before the first attempt; those of attempts have their number. */
const givenBlobs = (id: string) => `${executionBlobs(id)}/0/inputs`

async function keepInputs(
  blobs: Blobs,
  files: Readonly<Record<string, KeptFile>>,
  prefix: string,
): Promise<Record<string, KeptFile>> {
  const kept: Record<string, KeptFile> = {}
  for (const [index, [name, file]] of Object.entries(files).entries()) {
    const key = `${prefix}/${index}`
    try {
      await blobs.copy(file.key, key)
    } catch (error) {
      if (await blobs.stat(file.key)) throw error
      throw gone(`The input ${name} of the execution is kept no longer; execute the notebook anew instead`)
    }
    kept[name] = { ...file, key }
  }
  return kept
}
