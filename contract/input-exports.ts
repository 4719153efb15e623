/** Exporting what a notebook would be given: the files of its INPUT_DIR as one zip, for those who write notebooks. */

import { type Static, Type } from 'typebox'
import { JobQueued } from './job-logs.ts'
import { NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import { closed, Email, TimeFormats, Url } from './shapes.ts'

export const InputExportOptions = Type.Object(
  {
    email: Type.Optional(Email),
    relativeTo: Type.Optional(TimeFormats),
    templateContext: Type.Optional(Type.String({ maxLength: 32767, description: 'JSON text' })),
    callbackUrl: Type.Optional(Url),
  },
  closed,
)
export type InputExportOptions = Static<typeof InputExportOptions>

export const requestInputDataExport = route({
  operation: 'notebook.requestInputDataExport',
  grants: { reads: true },
  method: 'POST',
  path: '/applications/:applicationId/notebooks/:notebookId/requestInputDataExport',
  summary: 'Queues a job that makes a zip of the inputs an execution would find; its log holds the link.',
  params: NotebookParams,
  body: { name: 'exportOptions', schema: InputExportOptions },
  status: 202,
  reply: JobQueued,
})
