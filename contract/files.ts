/** Application files: what notebooks leave behind for people and programs to fetch by URL. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { DateTime, listQuery, listReply, ObjectId, SourceType, words } from './shapes.ts'

export const FileParams = Type.Object({ applicationId: ObjectId, fileId: ObjectId })

export const ApplicationFile = Type.Object({
  id: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  authorId: Type.Optional(ObjectId),
  authorType: SourceType,
  status: words('pending', 'moving', 'deleting', 'completed'),
  name: Type.String(),
  parentDirectory: Type.String(),
  type: words('file', 'directory'),
  fileSize: Type.Optional(Type.Number()),
  contentType: Type.Optional(Type.String()),
  url: Type.Optional(Type.String()),
})
export type ApplicationFile = Static<typeof ApplicationFile>

export const listFiles = route({
  operation: 'files.get',
  method: 'GET',
  path: '/applications/:applicationId/files',
  summary: 'Lists the files and folders of one directory.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['lastUpdated', 'type', 'name', 'creationDate'], ['name']).properties,
    type: Type.Optional(words('', 'file', 'directory')),
    status: Type.Optional(words('', 'completed', 'pending')),
    directory: Type.Optional(Type.String({ maxLength: 1024 })),
  }),
  reply: Type.Object({ ...listReply(ApplicationFile).properties, parentExists: Type.Boolean() }),
  entity: 'files',
})

export const getFile = route({
  operation: 'file.get',
  method: 'GET',
  path: '/applications/:applicationId/file/:fileId',
  summary: 'Gives one file, with its public URL.',
  params: FileParams,
  reply: ApplicationFile,
  entity: 'file',
})
