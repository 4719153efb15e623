/** Backfills: one notebook over many windows of time. Ours; the original executes notebooks one at a time. */

import { type Static, Type } from 'typebox'
import { ExecutionStatus } from './executions.ts'
import { NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import {
  Count,
  closed,
  DateTime,
  listQuery,
  listReply,
  MediumText,
  ObjectId,
  SourceType,
  Text,
  TimeFormats,
  words,
} from './shapes.ts'

export const BackfillParams = Type.Object({ ...NotebookParams.properties, backfillId: ObjectId })

/** Windows of one backfill. */
export const MAX_WINDOWS = 1000

export const BackfillPost = Type.Object(
  {
    name: Type.Optional(MediumText),
    start: TimeFormats,
    end: TimeFormats,
    window: Type.String({
      pattern: '^P(?:[1-9]\\d{0,3}[DWMY]|T[1-9]\\d{0,3}[HM])$',
      description: 'an ISO 8601 duration of one unit: PT15M, PT1H, P1D, P1W, P1M or P1Y, and multiples of them',
    }),
    timeZone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'an IANA name such as Europe/Berlin, in which days, weeks, months and years are meant; UTC if left out',
      }),
    ),
    templateContext: Type.Optional(Type.String({ maxLength: 32767, description: 'JSON text' })),
  },
  closed,
)
export type BackfillPost = Static<typeof BackfillPost>

const Counts = Type.Object({
  queued: Count,
  inProgress: Count,
  canceling: Count,
  completed: Count,
  errored: Count,
  timeout: Count,
  canceled: Count,
})

export const Backfill = Type.Object({
  id: ObjectId,
  backfillId: ObjectId,
  notebookId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  name: Type.Optional(MediumText),
  start: DateTime,
  end: DateTime,
  window: Text,
  timeZone: Text,
  templateContext: Type.Optional(Type.String()),
  sourceType: SourceType,
  sourceId: ObjectId,
  windows: Count,
  state: words('running', 'ended', 'canceled'),
  /** Executions by their status; together less than the windows once logs are kept no longer. */
  counts: Counts,
})
export type Backfill = Static<typeof Backfill>

export const BackfillDetails = Type.Object({
  ...Backfill.properties,
  executions: Type.Array(
    Type.Object(
      { executionId: ObjectId, relativeTo: DateTime, status: ExecutionStatus },
      {
        description: 'one for each window, in the order of time; relativeTo is the end of the window',
      },
    ),
  ),
})
export type BackfillDetails = Static<typeof BackfillDetails>

const PATH = '/applications/:applicationId/notebooks/:notebookId/backfills'

export const createBackfill = route({
  operation: 'notebook.execute',
  method: 'POST',
  path: PATH,
  summary: 'Queues an execution of the notebook as it is now for every window of a range of time.',
  params: NotebookParams,
  body: { name: 'backfill', schema: BackfillPost },
  status: 201,
  reply: Backfill,
  entity: 'backfill',
})

export const listBackfills = route({
  operation: 'notebook.logs',
  method: 'GET',
  path: PATH,
  summary: 'Lists the backfills of a notebook with their progress.',
  params: NotebookParams,
  query: listQuery(['creationDate', 'id', 'name'], ['name']),
  reply: listReply(Backfill),
  entity: 'backfills',
})

export const getBackfill = route({
  operation: 'notebook.logs',
  method: 'GET',
  path: `${PATH}/:backfillId`,
  summary: 'Gives one backfill with its progress, and the execution of every window.',
  params: BackfillParams,
  reply: BackfillDetails,
  entity: 'backfill',
})

export const cancelBackfill = route({
  operation: 'notebook.cancelExecution',
  grants: { action: 'notebook.execute' },
  method: 'POST',
  path: `${PATH}/:backfillId/cancel`,
  summary: 'Cancels every execution of a backfill that has not ended.',
  params: BackfillParams,
  reply: Type.Object({ success: Type.Literal(true), canceled: Type.Integer({ description: 'that had not ended' }) }),
})
