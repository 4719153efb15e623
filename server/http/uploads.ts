/** The one file part of a multipart body, read whole: bounded in size, any file name accepted. */

import '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { AppError, invalid, messageOf } from '../ground/errors.ts'
import type { UploadedFile } from './serve.ts'

const MAX_NAME = 1024

/** @throws invalid when the part is missing or has more than `maxBytes` */
export async function readFilePart(request: FastifyRequest, part: string, maxBytes: number): Promise<UploadedFile> {
  if (!request.isMultipart()) throw invalid(`${part} must be sent as a file of a multipart/form-data body`)
  try {
    return await findPart(request, part, maxBytes)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw invalid(`The multipart body could not be read: ${messageOf(error)}`, error)
  }
}

const MAX_PARTS = 20

async function findPart(request: FastifyRequest, part: string, maxBytes: number): Promise<UploadedFile> {
  const limits = { fileSize: maxBytes, fieldSize: maxBytes, files: MAX_PARTS, fields: MAX_PARTS, parts: MAX_PARTS }
  for await (const found of request.parts({ limits })) {
    if (found.type !== 'file') {
      // Some clients send a file's text as an ordinary field.
      if (found.fieldname !== part) continue
      if (found.valueTruncated) throw tooLarge(part, maxBytes)
      return { name: part, content: Buffer.from(String(found.value)) }
    }
    if (found.fieldname !== part) {
      found.file.resume()
      continue
    }
    const chunks: Buffer[] = []
    for await (const chunk of found.file) chunks.push(chunk)
    if (found.file.truncated) throw tooLarge(part, maxBytes)
    return { name: (found.filename || part).slice(0, MAX_NAME), content: Buffer.concat(chunks) }
  }
  throw invalid(`${part} is not in the multipart body`)
}

const tooLarge = (part: string, maxBytes: number) =>
  invalid(`${part} is larger than the ${maxBytes} bytes that are allowed (FIELDBOOK_NOTEBOOK_SIZE)`)
