/** The job that exports inputs: gathers them as for an execution, and packs what the notebook would find into one zip. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readGlobals } from '../catalog/applications.ts'
import { getNotebook } from '../catalog/notebooks.ts'
import { invalid } from '../ground/errors.ts'
import { createTurns } from '../ground/turns.ts'
import { packFolder } from '../ground/zip.ts'
import type { JobWork } from '../jobs/work.ts'
import { contextOf } from './context.ts'
import type { Sources } from './inputs/input.ts'
import { EXPORTS_AT_ONCE, firstFailure, gatherInputs } from './staging.ts'

/** The work behind requestInputDataExport. An input that fails ends it, named. */
export const exportInputs =
  (sources: Sources): JobWork =>
  async ({ applicationId, resourceId = '', input }, { folder, signal, progress }) => {
    const { db } = sources
    const [notebook, globals] = await Promise.all([
      getNotebook(db, applicationId, resourceId),
      readGlobals(db, applicationId),
    ])
    const templateContext = typeof input['templateContext'] === 'string' ? input['templateContext'] : undefined
    const [inputs, scratch] = [join(folder, 'in'), join(folder, 'scratch')]
    await Promise.all([mkdir(inputs), mkdir(scratch)])
    const warnings: string[] = []
    let scratches = 0
    const gathered = await gatherInputs(notebook.inputs, templateContext, inputs, {
      ...sources,
      applicationId,
      relativeTo: new Date(String(input['relativeTo'])),
      context: contextOf(templateContext, globals),
      signal,
      inTurn: createTurns(EXPORTS_AT_ONCE),
      scratch: () => join(scratch, String(scratches++)),
      warn: (message) => warnings.push(message),
    })
    signal.throwIfAborted()
    const failure = firstFailure(notebook.inputs, gathered)
    if (failure) throw invalid(failure.message)
    progress(notebook.inputs.length, notebook.inputs.length)
    const path = join(folder, 'inputs.zip')
    await packFolder(inputs, path, signal)
    return { files: [{ name: 'inputs.zip', path }], ...(warnings.length > 0 ? { output: { warnings } } : {}) }
  }
