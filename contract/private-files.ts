/** Private files: as application files in a tree of their own, but opened only by links that end. */

import { Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import {
  ApplicationFile,
  FileList,
  FilePatch,
  FilePost,
  FileWithUpload,
  fileListQuery,
  fileMoveQuery,
} from './files.ts'
import { route } from './route.ts'
import { ObjectId, Success } from './shapes.ts'

export const PrivateFileParams = Type.Object({ applicationId: ObjectId, privateFileId: ObjectId })

const urlTTL = Type.Optional(
  Type.String({ maxLength: 20, description: 'seconds the URL works for; 0 leaves it out, 900 unless given' }),
)
const UrlQuery = Type.Object({ urlTTL })

export const listPrivateFiles = route({
  operation: 'privateFiles.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/privateFiles',
  summary: 'Lists the private files and folders of one directory; without a directory, those of all.',
  params: ApplicationParams,
  query: Type.Object({ ...fileListQuery, urlTTL }),
  reply: FileList,
  entity: 'privateFiles',
})

export const createPrivateFile = route({
  operation: 'privateFiles.post',
  grants: { cli: true },
  method: 'POST',
  path: '/applications/:applicationId/privateFiles',
  summary: 'Creates a private file that waits for its content, with the form to upload that, or a directory.',
  params: ApplicationParams,
  body: { name: 'privateFile', schema: FilePost },
  status: 201,
  reply: FileWithUpload,
  entity: 'privateFile',
})

export const getPrivateFile = route({
  operation: 'privateFile.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/privateFiles/:privateFileId',
  summary: 'Gives one private file, with a URL that works for a while.',
  params: PrivateFileParams,
  query: UrlQuery,
  reply: ApplicationFile,
  entity: 'privateFile',
})

export const patchPrivateFile = route({
  operation: 'privateFile.patch',
  grants: { cli: true },
  method: 'PATCH',
  path: '/applications/:applicationId/privateFiles/:privateFileId',
  summary: 'Gives the form to upload new content for a private file; until then it keeps what it has.',
  params: PrivateFileParams,
  body: { name: 'updates', schema: FilePatch },
  status: 201,
  reply: FileWithUpload,
  entity: 'privateFile',
})

export const uploadPrivateFile = route({
  operation: 'privateFile.upload',
  grants: { cli: true },
  method: 'POST',
  path: '/applications/:applicationId/privateFiles/:privateFileId/upload',
  summary: 'Uploads the content of a private file in the request itself.',
  params: PrivateFileParams,
  query: UrlQuery,
  file: 'privateFile',
  reply: ApplicationFile,
  entity: 'privateFile',
})

export const movePrivateFile = route({
  operation: 'privateFile.move',
  grants: { cli: true },
  method: 'POST',
  path: '/applications/:applicationId/privateFiles/:privateFileId/move',
  summary: 'Renames or moves a private file, or a directory with everything in it.',
  params: PrivateFileParams,
  query: Type.Object({ ...fileMoveQuery, urlTTL }),
  status: 201,
  reply: ApplicationFile,
  entity: 'privateFile',
})

export const deletePrivateFile = route({
  operation: 'privateFile.delete',
  grants: { cli: true },
  method: 'DELETE',
  path: '/applications/:applicationId/privateFiles/:privateFileId',
  summary: 'Deletes a private file, or a directory with everything in it.',
  params: PrivateFileParams,
  reply: Success,
})
