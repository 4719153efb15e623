/** Executing a notebook, and what is told about executions. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { ExecutionLimits } from './limits.ts'
import { MinuteCounts } from './minutes.ts'
import { ImageVersion, NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import {
  Count,
  closed,
  DateTime,
  Email,
  Link,
  MomentText,
  ObjectId,
  SourceType,
  Success,
  Text,
  TimeFormats,
  Url,
  words,
} from './shapes.ts'

export const ExecutionStatus = words('queued', 'inProgress', 'completed', 'errored', 'timeout', 'canceling', 'canceled')
export type ExecutionStatus = Static<typeof ExecutionStatus>

export const ExecutionOptions = Type.Object(
  {
    relativeTo: Type.Optional(TimeFormats),
    templateContext: Type.Optional(Type.String({ maxLength: 32767, description: 'JSON text' })),
    email: Type.Optional(Email),
    callbackUrl: Type.Optional(Url),
  },
  closed,
)
export type ExecutionOptions = Static<typeof ExecutionOptions>

const FileInfo = Type.Object({ size: Count, url: Link, contentType: Text })

export const ExecutionLog = Type.Object({
  id: ObjectId,
  notebookExecutionId: ObjectId,
  notebookId: ObjectId,
  applicationId: ObjectId,
  imageVersion: ImageVersion,
  status: ExecutionStatus,
  executionRelativeTo: DateTime,
  maxAllowedRunMinutes: Type.Number({ minimum: 0 }),
  sourceType: SourceType,
  sourceId: Type.Optional(ObjectId),
  runQueuedAt: DateTime,
  runStartedAt: Type.Optional(DateTime),
  inputsCompletedAt: Type.Optional(DateTime),
  notebookCompletedAt: Type.Optional(DateTime),
  outputsCompletedAt: Type.Optional(DateTime),
  templateContext: Type.Optional(Type.String()),
  inputInfo: Type.Record(Type.String(), FileInfo),
  outputInfo: Type.Record(Type.String(), FileInfo, {
    description: 'in lists the first 100, those of directories last; all of them in the answer about one execution',
  }),
  outputCount: Type.Integer({ minimum: 0, description: 'ours: how many files there are' }),
  executionErrors: Type.Array(Type.Object({ name: Text, message: Text })),
})
export type ExecutionLog = Static<typeof ExecutionLog>

/** Why an execution did not succeed, as the execution's own endpoint tells it; logs have name and message only. */
export const ExecutionCause = Type.Object({
  name: Type.String({ minLength: 1, description: 'CellError, RunTimeout, OutOfMemory and so on' }),
  message: Type.String({ minLength: 1, description: 'a sentence for the owner of the notebook' }),
  cellNumber: Type.Optional(Type.Integer({ minimum: 1, description: 'among the cells that run, from 1' })),
  cellIndex: Type.Optional(Type.Integer({ minimum: 0, description: 'in the notebook, from 0' })),
  ename: Type.Optional(Type.String()),
  evalue: Type.Optional(Type.String()),
  traceback: Type.Optional(Type.Array(Type.String())),
  input: Type.Optional(Type.String({ description: 'the file name of the input' })),
  output: Type.Optional(Type.String({ description: 'the file or directory name of the output' })),
})
export type ExecutionCause = Readonly<Static<typeof ExecutionCause>>

/** Where a run is: which of the phases, and in the notebook phase which of the cells that will run. */
export const Progress = Type.Object({
  phase: words('queued', 'inputs', 'notebook', 'outputs', 'finished'),
  cell: Type.Integer({ minimum: 0, description: 'cells begun, 0 before the first' }),
  cells: Type.Integer({ minimum: 0 }),
})
export type Progress = Static<typeof Progress>

/** What a run really ran on, from when its inputs were staged. */
export const RanOn = Type.Object({
  image: Type.Object({
    version: Text,
    source: Type.String({ minLength: 1, description: 'index for a Python package index, debian for the distribution' }),
    pythonVersion: Text,
    packages: Type.Record(Type.String(), Type.String()),
  }),
  sandbox: Type.Object({ level: Count, name: Text }),
})

/** What a run used. Phases and cells that were not reached are missing. */
export const ExecutionUsage = Type.Object({
  peakMemoryBytes: Type.Optional(Count),
  cpuSeconds: Type.Optional(Type.Number({ minimum: 0 })),
  bytesIn: Type.Integer({ minimum: 0, description: 'of all inputs' }),
  bytesOut: Type.Integer({ minimum: 0, description: 'of all files that were kept' }),
  outputBytes: Type.Optional(Type.Integer({ description: 'that cells printed and showed' })),
  phasesMs: Type.Object({
    queued: Type.Optional(Count),
    inputs: Type.Optional(Count),
    notebook: Type.Optional(Count),
    outputs: Type.Optional(Count),
  }),
  cells: Type.Array(Type.Object({ cellNumber: Count, cellIndex: Count, ms: Type.Number() })),
})
export type ExecutionUsage = Static<typeof ExecutionUsage>

const CancelQuery = Type.Object({ executionId: ObjectId })

export const executeNotebook = route({
  operation: 'notebook.execute',
  method: 'POST',
  path: '/applications/:applicationId/notebooks/:notebookId/execute',
  summary: 'Queues an execution of the notebook as it is now.',
  params: NotebookParams,
  query: Type.Object({
    wait: Type.Optional(Type.String({ maxLength: 20, description: 'seconds to wait for the end, ours' })),
  }),
  body: { name: 'executionOptions', schema: ExecutionOptions },
  reply: Type.Object(
    { success: Type.Literal(true), executionId: ObjectId, ...Type.Partial(ExecutionLog).properties },
    { description: 'with the final log when it was waited for and the execution has ended in time' },
  ),
})

export const cancelExecution = route({
  operation: 'notebook.cancelExecution',
  grants: { action: 'notebook.execute' },
  method: 'POST',
  path: '/applications/:applicationId/notebooks/:notebookId/cancelExecution',
  summary: 'Marks an execution for cancellation.',
  params: NotebookParams,
  query: CancelQuery,
  reply: Success,
})

/** The published document folds cancellation onto the notebook's own path; both spellings work. */
export const cancelExecutionFolded = route({
  operation: 'notebook.cancelExecution',
  grants: { action: 'notebook.execute' },
  method: 'POST',
  path: '/applications/:applicationId/notebooks/:notebookId',
  summary: 'Marks an execution for cancellation (the published spelling of cancelExecution).',
  params: NotebookParams,
  query: CancelQuery,
  reply: Success,
})

export const getLogs = route({
  operation: 'notebook.logs',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/logs',
  summary: 'Gives the newest executions, one unless a limit is given.',
  params: NotebookParams,
  query: Type.Object({
    limit: Type.Optional(Type.String({ maxLength: 20 })),
    since: Type.Optional(MomentText),
  }),
  reply: Type.Array(ExecutionLog),
})

/** Without a start from the first of the month of its end; without an end until now. */
const MinuteCountsQuery = Type.Object({
  start: Type.Optional(MomentText),
  end: Type.Optional(MomentText),
})

export const getMinuteCounts = route({
  operation: 'notebook.notebookMinuteCounts',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/notebookMinuteCounts',
  summary: 'Gives minutes and endings for every UTC day of a range, by default the current month so far.',
  params: NotebookParams,
  query: MinuteCountsQuery,
  reply: MinuteCounts,
})

export const getApplicationMinuteCounts = route({
  operation: 'application.notebookMinuteCounts',
  method: 'GET',
  path: '/applications/:applicationId/notebookMinuteCounts',
  summary: 'Gives minutes and endings of all notebooks for every UTC day of a range, by default the month so far.',
  params: ApplicationParams,
  query: MinuteCountsQuery,
  reply: MinuteCounts,
})

export const getMyMinuteCounts = route({
  operation: 'me.notebookMinuteCounts',
  method: 'GET',
  path: '/me/notebookMinuteCounts',
  summary: "Gives minutes and endings in all of the user's applications, as for one of them.",
  query: MinuteCountsQuery,
  reply: MinuteCounts,
})

/** Ours: one execution by id, with its progress; the original only has the list of logs. */
export const getExecution = route({
  operation: 'notebook.logs',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/executions/:executionId',
  summary: 'Gives one execution with its progress, what it ran on, what it used and why it did not succeed.',
  params: Type.Object({ ...NotebookParams.properties, executionId: ObjectId }),
  reply: Type.Object({
    ...ExecutionLog.properties,
    executionErrors: Type.Array(ExecutionCause),
    rerunOf: Type.Optional(ObjectId),
    backfillId: Type.Optional(ObjectId),
    progress: Progress,
    attempt: Type.Integer({ minimum: 0, description: '0 before the first' }),
    schedule: Type.Optional(
      Type.Object(
        { id: ObjectId, plannedFor: DateTime },
        { description: 'by which it was planned; sourceType is flow' },
      ),
    ),
    usage: ExecutionUsage,
    warnings: Type.Array(Type.String(), {
      description: 'what the owner should know that is no failure, from its end on',
    }),
    limits: Type.Optional(ExecutionLimits),
    ranOn: Type.Optional(RanOn),
  }),
})

/** Ours: the original can only execute a notebook anew, over data that may be others by now. */
export const rerunExecution = route({
  operation: 'notebook.execute',
  method: 'POST',
  path: '/applications/:applicationId/notebooks/:notebookId/executions/:executionId/rerun',
  summary:
    'Queues the same execution again: the notebook of then, its context and query time, and the very same inputs.',
  params: Type.Object({ ...NotebookParams.properties, executionId: ObjectId }),
  reply: Type.Object({ success: Type.Literal(true), executionId: ObjectId }),
})
