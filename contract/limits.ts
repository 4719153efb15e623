/**
 * What one execution may take, and how much an application may have. The installation has such limits; an application may
 * have lower ones of its own, and a notebook those of executions lower still.
 */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import { Count, closed, DateTime } from './shapes.ts'

/** Whole numbers that JSON carries exactly; what is allowed of them is the limit above. */
const bytes = (description: string) => Type.Integer({ maximum: Number.MAX_SAFE_INTEGER, description })
const count = bytes

/** More than there ever is of anything counted, and less than the 2^31 that the database counts with. */
export const MAX_COUNTED = 1_000_000_000
const counted = (description: string) => Type.Integer({ maximum: MAX_COUNTED, description })

/** A zero in `cores`, `cellSeconds` and `silenceSeconds` is no limit. */
export const ExecutionLimits = Type.Object(
  {
    memoryBytes: bytes('of everything the execution runs, its files in memory included'),
    cores: Type.Number({ maximum: MAX_COUNTED, description: 'fractions allowed' }),
    processes: count('processes and threads together'),
    openFiles: count('of one process'),
    outputBytes: bytes('of all files in OUTPUT_DIR'),
    outputFiles: count('in OUTPUT_DIR'),
    temporaryBytes: bytes('of each of /tmp, /dev/shm and the home'),
    temporaryFiles: count('in each of them'),
    cellOutputBytes: bytes('kept of what one cell prints and shows'),
    runOutputBytes: bytes('kept of what all cells print and show'),
    cellSeconds: Type.Number({ maximum: MAX_COUNTED, description: 'of one cell' }),
    runMinutes: Type.Number({ maximum: MAX_COUNTED, description: 'of the notebook, its inputs and outputs apart' }),
    silenceSeconds: Type.Number({
      maximum: MAX_COUNTED,
      description: 'in a running cell without any message of its kernel',
    }),
  },
  closed,
)
export type ExecutionLimits = Static<typeof ExecutionLimits>

/** What is counted of an application, or of the whole installation. A zero is no limit. */
const COUNTED = {
  notebooks: counted('notebooks there may be'),
  minutesPerMonth: counted('begun minutes of notebooks in a calendar month (UTC)'),
  parallelExecutions: counted('executions that run at the same time; further ones wait as queued'),
  queuedExecutions: counted('executions that wait'),
}

/** What one request may bring. */
const SIZES = {
  notebookBytes: bytes('of an uploaded .ipynb'),
  fileBytes: bytes('of a file uploaded by form'),
  directFileBytes: bytes('of a file uploaded in a request of the API itself'),
  bodyBytes: bytes('of a JSON body'),
}

/** What all applications together may have. */
export const TotalLimits = Type.Object(COUNTED, closed)
export type TotalLimits = Static<typeof TotalLimits>
export type CountedName = keyof TotalLimits

/** Everything that has a limit. */
export const AllLimits = Type.Object({ ...ExecutionLimits.properties, ...COUNTED, ...SIZES }, closed)
export type AllLimits = Static<typeof AllLimits>
export type LimitName = keyof AllLimits

export const InstallationLimits = Type.Object({ ...AllLimits.properties, total: TotalLimits }, closed)
export type InstallationLimits = Static<typeof InstallationLimits>

/** The limits an application has of its own. */
export const ApplicationLimits = Type.Partial(AllLimits, closed)
export type ApplicationLimits = Static<typeof ApplicationLimits>

/** The limits a notebook has of its own. */
export const NotebookLimits = Type.Partial(ExecutionLimits, closed)
export type NotebookLimits = Static<typeof NotebookLimits>

export const LimitsReply = Type.Object({
  limits: NotebookLimits,
  effective: ExecutionLimits,
  /** Those of the application, which a notebook can only lower. */
  application: ExecutionLimits,
  installation: ExecutionLimits,
})

export const ApplicationLimitsReply = Type.Object({
  limits: ApplicationLimits,
  effective: AllLimits,
  /** What any application may have, and in `total` all of them together. */
  installation: InstallationLimits,
  usage: Type.Object({
    notebooks: Count,
    minutesThisMonth: Type.Integer({ description: 'with at least one for each execution that has not ended' }),
    runningExecutions: Count,
    queuedExecutions: Count,
  }),
  /** When the month ends that minutes are counted in. */
  minutesResetAt: DateTime,
})

/** Ours: which limit was reached, in the answer of a request that was refused for it. */
export const LimitReached = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 255 }),
  of: Type.Union([Type.Literal('installation'), Type.Literal('application'), Type.Literal('resource')]),
  allowed: Type.Number({ minimum: 0 }),
  used: Type.Optional(Type.Number({ minimum: 0 })),
  resetsAt: Type.Optional(DateTime),
})
export type LimitReached = Static<typeof LimitReached>

/** Ours: the original has fixed limits. */
export const getLimits = route({
  operation: 'notebook.get',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/limits',
  summary:
    'Gives the limits of a notebook, those its executions really get, and those of application and installation.',
  params: NotebookParams,
  reply: LimitsReply,
})

export const putLimits = route({
  operation: 'notebook.patch',
  method: 'PUT',
  path: '/applications/:applicationId/notebooks/:notebookId/limits',
  summary: 'Replaces the limits of a notebook; what is left out is the application’s.',
  params: NotebookParams,
  body: { name: 'limits', schema: NotebookLimits },
  reply: LimitsReply,
})

/** Ours as well. */
export const getApplicationLimits = route({
  operation: 'application.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/limits',
  summary:
    'Gives the limits of an application, what they come to with those of the installation, and how much is used.',
  params: ApplicationParams,
  reply: ApplicationLimitsReply,
})

export const putApplicationLimits = route({
  operation: 'application.patch',
  grants: { cli: true },
  role: 'admin',
  method: 'PUT',
  path: '/applications/:applicationId/limits',
  summary: 'Replaces the limits of an application; what is left out is the installation’s, and none can be higher.',
  params: ApplicationParams,
  body: { name: 'limits', schema: ApplicationLimits },
  reply: ApplicationLimitsReply,
})
