/** Notes about `contract/files.ts`. */

import { APPLICATION, CHANGED, FILE, MADE, NOTEBOOK } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const FILE_EXAMPLE = {
  id: FILE,
  applicationId: APPLICATION,
  creationDate: MADE,
  lastUpdated: CHANGED,
  authorId: NOTEBOOK,
  authorType: 'notebook',
  status: 'completed',
  name: 'report-2026-11-25.html',
  parentDirectory: '/reports/',
  type: 'file',
  fileSize: 284_113,
  s3etag: '9b2cf535f27731c974343645a3985328',
  contentType: 'text/html',
  url: `https://fieldbook.example.com/files/${APPLICATION}/reports/report-2026-11-25.html`,
}

export const UPLOAD_EXAMPLE = {
  ...FILE_EXAMPLE,
  status: 'pending',
  upload: {
    url: 'https://fieldbook.example.com/uploads',
    fields: { key: `${APPLICATION}/${FILE}`, policy: 'eyJmaWxlSWQiOiI2OTI2OGYzNCJ9', signature: '4gk0S5xV8mYb2n1q' },
  },
}

const more =
  'The content follows in a form of its own: send the fields of `upload`, and last the part `file`, to its `url`.'

export const notes: Notes = {
  tag: { name: 'Files', description: 'What people upload and notebooks leave behind, each with a public URL.' },
  schemas: {
    FileDimensions: { is: 'Width and height of an image.', example: { width: 1280, height: 720 } },
    ApplicationFile: { is: 'A file or a directory.', example: FILE_EXAMPLE },
    FilePost: {
      is: 'A file or directory to be made.',
      example: { name: 'report-2026-11-25.html', parentDirectory: '/reports/', type: 'file', contentType: 'text/html' },
    },
    FilePatch: { is: 'What new content will be like.', example: { fileSize: 284_113, contentType: 'text/html' } },
    FileWithUpload: { is: 'A file with the form that its content is sent with.', example: UPLOAD_EXAMPLE },
    FileList: { is: 'The files and directories of one directory, or of all.' },
  },
  routes: {
    createFile: { more },
    patchFile: { more },
    uploadFile: { request: { file: '<!doctype html><title>Report</title>' } },
    listFiles: { query: { directory: '/reports/' } },
  },
}
