/**
 * What can be watched of an execution, as server-sent events: the name of the event and the JSON of its data. The id of
 * an event grows within its execution; a client that comes back sends the last one it has seen as Last-Event-ID.
 */

import { type Static, Type } from 'typebox'
import { ExecutionCause, ExecutionStatus } from './executions.ts'
import { NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import { ObjectId, words } from './shapes.ts'

const cellNumber = Type.Integer({ description: 'among the cells that run, from 1' })
const bundle = {
  data: Type.Record(Type.String(), Type.Unknown(), { description: 'by media type' }),
  metadata: Type.Record(Type.String(), Type.Unknown()),
}

/** The data of each event by its name. A higher `attempt` than before means that the run starts over. */
export const EVENTS = {
  phase: Type.Object({
    phase: words('queued', 'inputs', 'notebook', 'outputs'),
    attempt: Type.Integer({ description: '0 while queued' }),
    at: Type.String({ format: 'date-time' }),
  }),
  cell: Type.Object({
    cellNumber,
    cells: Type.Integer({ description: 'how many will run' }),
    cellIndex: Type.Integer({ description: 'in the notebook, from 0' }),
    state: words('running', 'done'),
    status: Type.Optional(words('ok', 'error', 'stopped')),
    ms: Type.Optional(Type.Number()),
  }),
  stream: Type.Object({ cellNumber, name: words('stdout', 'stderr'), text: Type.String() }),
  display: Type.Object({ cellNumber, displayId: Type.Optional(Type.String()), ...bundle }),
  /** All displays with this id change. */
  update: Type.Object({ displayId: Type.String(), ...bundle }),
  clear: Type.Object({ cellNumber, wait: Type.Boolean({ description: 'only when the next output comes' }) }),
  cellError: Type.Object({
    cellNumber,
    ename: Type.String(),
    evalue: Type.String(),
    traceback: Type.Array(Type.String()),
  }),
  /** From here on only phases, cells and errors are told; the result has everything. */
  truncated: Type.Object({ message: Type.String() }),
  /** The last event. */
  finished: Type.Object({ status: ExecutionStatus, executionErrors: Type.Array(ExecutionCause) }),
} as const

export type EventName = keyof typeof EVENTS
export type EventData<N extends EventName> = Static<(typeof EVENTS)[N]>

const ExecutionParams = Type.Object({ ...NotebookParams.properties, executionId: ObjectId })

/** Ours: the original can only be polled. */
export const watchExecution = route({
  operation: 'notebook.logs',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/executions/:executionId/events',
  summary: 'Streams what an execution does as server-sent events, from the beginning or after Last-Event-ID.',
  params: ExecutionParams,
  query: Type.Object({
    lastEventId: Type.Optional(Type.String({ maxLength: 20, description: 'for clients that cannot set the header' })),
  }),
  reply: Type.String({ description: 'text/event-stream' }),
})

/** Ours: the original gives results at the end only. */
export const getPartialResult = route({
  operation: 'notebook.logs',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId/executions/:executionId/result.ipynb',
  summary: 'Gives the notebook as far as it has got: while it runs some seconds old, afterwards the result.',
  params: ExecutionParams,
  reply: Type.String({ description: 'application/x-ipynb+json' }),
})

const rendered = <F extends 'result.html' | 'result.pdf'>(fileName: F) =>
  route({
    operation: 'notebook.logs',
    method: 'GET',
    path: `/applications/:applicationId/notebooks/:notebookId/executions/:executionId/${fileName}`,
    summary: `Redirects to a link to the ${fileName} of an execution that has ended, which is made now unless it is there.`,
    params: ExecutionParams,
    reply: Type.Null({ description: '303, with the link as its location' }),
  })

/** Ours: the original has pages and documents only where an output asks for them. */
export const getPage = rendered('result.html')
export const getDocument = rendered('result.pdf')
