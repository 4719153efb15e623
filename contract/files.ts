/** Application files: what people upload and notebooks leave behind, in directories, each with a public URL. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import {
  closed,
  DateTime,
  Link,
  listQuery,
  listReply,
  MediumText,
  ObjectId,
  SourceType,
  Success,
  words,
} from './shapes.ts'

export const FileParams = Type.Object({ applicationId: ObjectId, fileId: ObjectId })

const FileSize = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'bytes' })
const ContentType = Type.String({ maxLength: 1024 })
const Dimensions = { width: Type.Optional(Type.Number()), height: Type.Optional(Type.Number()) }
export const FileDimensions = Type.Object(Dimensions, closed)
export type FileDimensions = Static<typeof FileDimensions>

export const ApplicationFile = Type.Object({
  id: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  authorId: Type.Optional(ObjectId),
  authorType: SourceType,
  status: words('pending', 'moving', 'deleting', 'completed'),
  name: MediumText,
  parentDirectory: Type.String({ pattern: '^/(?:.*/)?$', description: 'begins and ends with a slash' }),
  type: words('file', 'directory'),
  fileSize: Type.Optional(FileSize),
  s3etag: Type.Optional(
    Type.String({ pattern: '^[0-9a-f]{32}$', description: 'MD5 of the content, in hexadecimal digits' }),
  ),
  contentType: Type.Optional(ContentType),
  fileDimensions: Type.Optional(FileDimensions),
  url: Type.Optional(Link),
})
export type ApplicationFile = Static<typeof ApplicationFile>

export const FilePost = Type.Object(
  {
    name: MediumText,
    parentDirectory: Type.Optional(Type.String({ maxLength: 1024 })),
    type: words('file', 'directory'),
    fileSize: Type.Optional(FileSize),
    contentType: Type.Optional(ContentType),
    fileDimensions: Type.Optional(FileDimensions),
  },
  closed,
)
export type FilePost = Static<typeof FilePost>

/** Open, as the published schema is: what else is sent is ignored. */
export const FilePatch = Type.Object({
  fileSize: Type.Optional(FileSize),
  contentType: Type.Optional(ContentType),
  fileDimensions: Type.Optional(Type.Object(Dimensions)),
})
export type FilePatch = Static<typeof FilePatch>

/** Where to send the content: a form of these fields in any order, all but `bucket`, and then the part `file`. */
const Upload = Type.Object({ url: Link, fields: Type.Record(Type.String(), Type.String()) })

/** A directory has nothing to upload. */
export const FileWithUpload = Type.Object({ ...ApplicationFile.properties, upload: Type.Optional(Upload) })
export type FileWithUpload = Static<typeof FileWithUpload>

export const fileListQuery = {
  ...listQuery(['lastUpdated', 'type', 'name', 'creationDate'], ['name']).properties,
  type: Type.Optional(words('', 'file', 'directory')),
  status: Type.Optional(words('', 'completed', 'pending')),
  directory: Type.Optional(Type.String({ maxLength: 1024 })),
}
export const FileList = Type.Object({ ...listReply(ApplicationFile).properties, parentExists: Type.Boolean() })

/** What is left out, or empty, stays as it is. */
export const fileMoveQuery = {
  name: Type.Optional(Type.String({ maxLength: 1024 })),
  parentDirectory: Type.Optional(Type.String({ maxLength: 1024 })),
}

export const listFiles = route({
  operation: 'files.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/files',
  summary: 'Lists the files and folders of one directory; without a directory, those of all.',
  params: ApplicationParams,
  query: Type.Object(fileListQuery),
  reply: FileList,
  entity: 'files',
})

export const createFile = route({
  operation: 'files.post',
  grants: { cli: true },
  method: 'POST',
  path: '/applications/:applicationId/files',
  summary: 'Creates a file that waits for its content, with the form to upload that, or a directory.',
  params: ApplicationParams,
  body: { name: 'file', schema: FilePost },
  status: 201,
  reply: FileWithUpload,
  entity: 'file',
})

export const getFile = route({
  operation: 'file.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/file/:fileId',
  summary: 'Gives one file, with its public URL.',
  params: FileParams,
  reply: ApplicationFile,
  entity: 'file',
})

export const patchFile = route({
  operation: 'file.patch',
  grants: { cli: true },
  method: 'PATCH',
  path: '/applications/:applicationId/file/:fileId',
  summary: 'Gives the form to upload new content for a file; until then it keeps what it has.',
  params: FileParams,
  body: { name: 'updates', schema: FilePatch },
  status: 201,
  reply: FileWithUpload,
  entity: 'file',
})

export const uploadFile = route({
  operation: 'file.upload',
  grants: { cli: true },
  method: 'POST',
  path: '/applications/:applicationId/file/:fileId/upload',
  summary: 'Uploads the content of a file in the request itself.',
  params: FileParams,
  file: 'file',
  reply: ApplicationFile,
  entity: 'file',
})

export const moveFile = route({
  operation: 'file.move',
  grants: { cli: true },
  method: 'POST',
  path: '/applications/:applicationId/file/:fileId/move',
  summary: 'Renames or moves a file, or a directory with everything in it.',
  params: FileParams,
  query: Type.Object(fileMoveQuery),
  status: 201,
  reply: ApplicationFile,
  entity: 'file',
})

export const deleteFile = route({
  operation: 'file.delete',
  grants: { cli: true },
  method: 'DELETE',
  path: '/applications/:applicationId/file/:fileId',
  summary: 'Deletes a file, or a directory with everything in it.',
  params: FileParams,
  reply: Success,
})
