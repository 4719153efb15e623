/** Notebooks: their configuration and their uploaded `.ipynb`. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { MinuteCounts } from './minutes.ts'
import { NotebookInput, NotebookOutput } from './notebook-files.ts'
import { route } from './route.ts'
import {
  Count,
  closed,
  DateTime,
  Description,
  Link,
  listQuery,
  listReply,
  MediumText,
  MomentText,
  ObjectId,
  Success,
  Text,
  words,
} from './shapes.ts'

export const NotebookParams = Type.Object({ applicationId: ObjectId, notebookId: ObjectId })

export const ImageVersion = words('v1', 'v2', 'v3', 'v4')
export type ImageVersion = Static<typeof ImageVersion>

export const NotebookPatch = Type.Object(
  {
    name: Type.Optional(MediumText),
    description: Type.Optional(Description),
    imageVersion: Type.Optional(ImageVersion),
    inputs: Type.Optional(Type.Array(NotebookInput, { maxItems: 100 })),
    outputs: Type.Optional(Type.Array(NotebookOutput, { maxItems: 100 })),
  },
  closed,
)
export type NotebookPatch = Static<typeof NotebookPatch>

export const NotebookPost = Type.Object({ ...NotebookPatch.properties, name: MediumText }, closed)
export type NotebookPost = Static<typeof NotebookPost>

export const NotebookStats = Type.Object({
  minutesThisPeriod: Count,
  runsThisPeriod: Count,
  errorsThisPeriod: Count,
})
export type NotebookStats = Static<typeof NotebookStats>

export const Notebook = Type.Object({
  id: ObjectId,
  notebookId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  name: MediumText,
  description: Type.Optional(Description),
  jupyterFileName: Type.Optional(Text),
  jupyterFileUrl: Type.Optional(Link),
  imageVersion: ImageVersion,
  inputs: Type.Array(NotebookInput),
  outputs: Type.Array(NotebookOutput),
  stats: NotebookStats,
})
export type Notebook = Static<typeof Notebook>

export const createNotebook = route({
  operation: 'notebooks.post',
  method: 'POST',
  path: '/applications/:applicationId/notebooks',
  summary: 'Creates a notebook; its .ipynb is uploaded afterwards.',
  params: ApplicationParams,
  body: { name: 'notebook', schema: NotebookPost },
  status: 201,
  reply: Notebook,
  entity: 'notebook',
})

export const listNotebooks = route({
  operation: 'notebooks.get',
  method: 'GET',
  path: '/applications/:applicationId/notebooks',
  summary: 'Lists the notebooks of an application.',
  params: ApplicationParams,
  query: listQuery(['name', 'id', 'creationDate', 'lastUpdated', 'lastExecutionRequested'], ['name']),
  reply: listReply(Notebook),
  entity: 'notebooks',
})

export const getNotebook = route({
  operation: 'notebook.get',
  method: 'GET',
  path: '/applications/:applicationId/notebooks/:notebookId',
  summary:
    'Gives one notebook; with start or end, its minutes by day (the published spelling of notebookMinuteCounts).',
  params: NotebookParams,
  query: Type.Object({
    start: Type.Optional(MomentText),
    end: Type.Optional(MomentText),
  }),
  reply: Type.Union([Notebook, MinuteCounts]),
  entity: 'notebook',
})

export const patchNotebook = route({
  operation: 'notebook.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/notebooks/:notebookId',
  summary: 'Changes a notebook; inputs and outputs are replaced whole.',
  params: NotebookParams,
  body: { name: 'notebook', schema: NotebookPatch },
  reply: Notebook,
  entity: 'notebook',
})

export const deleteNotebook = route({
  operation: 'notebook.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/notebooks/:notebookId',
  summary: 'Cancels what runs and deletes the notebook with its execution logs.',
  params: NotebookParams,
  reply: Success,
})

export const uploadNotebook = route({
  operation: 'notebook.upload',
  method: 'POST',
  path: '/applications/:applicationId/notebooks/:notebookId/upload',
  summary: 'Uploads the .ipynb as the file part jupyterFile; an invalid one leaves the previous file in place.',
  params: NotebookParams,
  file: 'jupyterFile',
  reply: Notebook,
  entity: 'notebook',
})
