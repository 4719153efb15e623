/**
 * The one file part of a multipart body: handed on as it arrives, or read whole when it is small. Any file name is
 * accepted, and none at all: clients send a file's text, or its bytes, as an ordinary field.
 */

import type { MultipartFile, MultipartValue } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { AppError, invalid, messageOf } from '../ground/errors.ts'
import { largerThan, type MostBytes } from '../ground/sizes.ts'
import type { UploadedFile } from './serve.ts'

const MAX_NAME = 1024
const MAX_PARTS = 40
/** Of an ordinary field: a policy has about 500 bytes. */
const MAX_FIELD_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 16 * 1024

export interface ArrivingFile {
  readonly name: string
  /** The bytes; ends when the whole body has arrived and throws invalid when it is cut off. To be read once. */
  readonly content: AsyncIterable<Uint8Array>
  /** The ordinary fields before the file, the last one of each name. */
  readonly fields: ReadonlyMap<string, string>
}

/**
 * Finds the part and gives what `take` makes of it. What `take` leaves unread is read and forgotten.
 * @throws invalid when there is no such part or the body is not whole; whatever `take` throws
 */
export async function takeFilePart<T>(
  request: FastifyRequest,
  part: string,
  take: (file: ArrivingFile) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) throw invalid(`${part} must be sent as a file of a multipart/form-data body`)
  const parts = partsOf(request, part)
  const fields = new Map<string, string>()
  for (;;) {
    const found = await readable(() => parts.next())
    if (found.done) throw invalid(`${part} is not in the multipart body`)
    if (found.value.type === 'field') addField(fields, found.value)
    else if (found.value.fieldname !== part) found.value.file.resume()
    else {
      const { file, filename } = found.value
      try {
        return await take({ name: nameOf(filename) || part, content: toTheEnd(file, parts), fields })
      } finally {
        file.resume()
      }
    }
  }
}

/** As the client meant it: browsers write a quote in a name as %22 (WHATWG HTML, multipart/form-data encoding). */
const nameOf = (filename: string | undefined) =>
  [...(filename ?? '').replaceAll('%22', '"').replaceAll('\0', '')].slice(0, MAX_NAME).join('')

/** The part as bytes in memory. @throws invalid when it is missing; tooLarge */
export const readFilePart = (request: FastifyRequest, part: string, most: MostBytes): Promise<UploadedFile> =>
  takeFilePart(request, part, async ({ name, content }) => {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of content) {
      bytes += chunk.byteLength
      if (bytes > most.bytes) throw largerThan(part, most)
      chunks.push(chunk)
    }
    return { name, content: Buffer.concat(chunks) }
  })

type Part = MultipartFile | MultipartValue

function partsOf(request: FastifyRequest, part: string): AsyncIterator<Part> {
  const limits = {
    // The size of a file is counted by whoever takes it.
    fileSize: Number.POSITIVE_INFINITY,
    fieldSize: MAX_FIELD_BYTES,
    files: MAX_PARTS,
    fields: MAX_PARTS,
    parts: MAX_PARTS,
    headerSize: MAX_HEADER_BYTES,
  }
  const isPartAFile = (name: string | undefined, _type: string | undefined, fileName: string | undefined) =>
    name === part || fileName !== undefined
  return request.parts({ limits, isPartAFile })[Symbol.asyncIterator]()
}

function addField(fields: Map<string, string>, { fieldname, value, valueTruncated }: MultipartValue & ValueInfo): void {
  if (valueTruncated) throw invalid(`The field ${fieldname} has more than ${MAX_FIELD_BYTES} bytes`)
  fields.set(String(fieldname), String(value))
}

/** Not in the types of the library. */
interface ValueInfo {
  readonly valueTruncated?: boolean
}

/** The file to its end, and then the body to its own: only what came whole was really sent. */
async function* toTheEnd(file: AsyncIterable<Uint8Array>, parts: AsyncIterator<Part>): AsyncGenerator<Uint8Array> {
  const chunks = file[Symbol.asyncIterator]()
  try {
    for (;;) {
      const chunk = await readable(() => chunks.next())
      if (chunk.done) break
      yield chunk.value
    }
  } finally {
    await chunks.return?.()
  }
  for (;;) {
    const rest = await readable(() => parts.next())
    if (rest.done) return
    if (rest.value.type === 'file') rest.value.file.resume()
  }
}

/** What goes wrong in here is the body's fault. */
async function readable<T>(next: () => Promise<T>): Promise<T> {
  try {
    return await next()
  } catch (error) {
    throw error instanceof AppError
      ? error
      : invalid(`The multipart body could not be read: ${messageOf(error)}`, error)
  }
}
