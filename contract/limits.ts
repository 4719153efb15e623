/** What one execution may take. The installation has such limits, and a notebook may have lower ones of its own. */

import { type Static, Type } from 'typebox'
import { NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import { closed } from './shapes.ts'

const bytes = (description: string) => Type.Integer({ description })
const count = bytes

/** A zero in `cores`, `cellSeconds` and `silenceSeconds` is no limit. */
export const ExecutionLimits = Type.Object(
  {
    memoryBytes: bytes('of everything the execution runs, its files in memory included'),
    cores: Type.Number({ description: 'fractions allowed' }),
    processes: count('processes and threads together'),
    openFiles: count('of one process'),
    outputBytes: bytes('of all files in OUTPUT_DIR'),
    outputFiles: count('in OUTPUT_DIR'),
    temporaryBytes: bytes('of each of /tmp, /dev/shm and the home'),
    temporaryFiles: count('in each of them'),
    cellOutputBytes: bytes('kept of what one cell prints and shows'),
    runOutputBytes: bytes('kept of what all cells print and show'),
    cellSeconds: Type.Number({ description: 'of one cell' }),
    runMinutes: Type.Number({ description: 'of the notebook, its inputs and outputs apart' }),
    silenceSeconds: Type.Number({ description: 'in a running cell without any message of its kernel' }),
  },
  closed,
)
export type ExecutionLimits = Static<typeof ExecutionLimits>
export type LimitName = keyof ExecutionLimits

/** The limits a notebook has of its own. */
export const NotebookLimits = Type.Partial(ExecutionLimits, closed)
export type NotebookLimits = Static<typeof NotebookLimits>

const LimitsReply = Type.Object({
  limits: NotebookLimits,
  effective: ExecutionLimits,
  installation: ExecutionLimits,
})

/** Ours: the original has fixed limits. */
export const getLimits = route({
  operation: 'notebook.get',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/limits',
  summary: 'Gives the limits of a notebook, those that its executions really get, and those of the installation.',
  params: NotebookParams,
  reply: LimitsReply,
})

export const putLimits = route({
  operation: 'notebook.patch',
  method: 'PUT',
  path: '/applications/:applicationId/notebooks/:notebookId/limits',
  summary: 'Replaces the limits of a notebook; what is left out is the installation’s.',
  params: NotebookParams,
  body: { name: 'limits', schema: NotebookLimits },
  reply: LimitsReply,
})
