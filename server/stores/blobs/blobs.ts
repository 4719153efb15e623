/** The one interface bytes are kept behind: keys are paths with `/`, contents are immutable once put. */

import type { Readable } from 'node:stream'
import type { Pass, Swept } from '../../ground/sweep.ts'

export interface BlobInfo {
  readonly sizeBytes: number
}

export interface ListedBlob {
  readonly key: string
  readonly sizeBytes: number
  /** When it came to be, or later. */
  readonly changedAt: Date
}

export interface ByteRange {
  readonly start: number
  /** Inclusive, as in HTTP. */
  readonly end: number
}

/** A blob as a file of this machine, which stays until disposed, even when the blob is deleted meanwhile. Only read it. */
export interface BorrowedFile extends AsyncDisposable {
  readonly path: string
}

export interface Blobs {
  /** Stores a stream; when it returns the bytes are durable and visible as a whole. */
  put(key: string, content: Readable | Uint8Array): Promise<BlobInfo>
  /** Stores a file of this machine, by name or open descriptor path. */
  putFile(key: string, file: string): Promise<BlobInfo>
  /** The same content under a second key; the two are deleted apart. */
  copy(from: string, to: string): Promise<void>
  /** What is known of a blob, or undefined. */
  stat(key: string): Promise<BlobInfo | undefined>
  /** The bytes, or a range of them; throws when there is no such blob. */
  get(key: string, range?: ByteRange): Readable
  /** The whole content; for small blobs only. */
  read(key: string): Promise<Buffer>
  /** The blob as a file, for programs that open files themselves; undefined when there is no such blob. */
  borrow(key: string): Promise<BorrowedFile | undefined>
  /** Writes the content to a new file of this machine that shares nothing with the blob; false when there is no such blob. */
  copyOut(key: string, file: string, signal: AbortSignal): Promise<boolean>
  /** Everything whose key starts with `prefix + '/'`, in no order; what comes or goes meanwhile may be left out. */
  list(prefix: string): AsyncIterable<ListedBlob>
  /** Removes what crashes have left of blobs that were being written or read. */
  dropHalfWritten(pass: Pass): Promise<Swept>
  delete(key: string): Promise<void>
  /** Deletes everything whose key starts with `prefix + '/'`. */
  deleteAll(prefix: string): Promise<void>
}
