/** What the storing of one output is given. Every kind of output is a function of this shape in a file of its own. */

import type { Blobs } from '../../stores/blobs/blobs.ts'
import type { Transaction } from '../../stores/postgres/transaction.ts'
import type { TemplateContext } from '../../templates/render.ts'
import type { KeptFile } from '../record.ts'

/** A file that was taken from OUTPUT_DIR, or a result file. */
export interface OutputFile {
  readonly fileName: string
  readonly kept: KeptFile
  /** A path that opens it; a result has none. */
  readonly path?: string
}

/** A directory that was taken from OUTPUT_DIR; all paths are below it. */
export interface OutputTree {
  readonly directories: readonly string[]
  readonly files: readonly { readonly path: string; readonly kept: KeptFile }[]
}

export interface Storing {
  /** The transaction that also writes the final status: outputs become visible together with it. */
  readonly tx: Transaction
  readonly blobs: Blobs
  readonly applicationId: string
  readonly notebookId: string
  /** What templates of outputs see: `ctx`, `globals`, `notebook` and `execution`. */
  readonly context: TemplateContext
  readonly signal: AbortSignal
  /** Blobs that are garbage once the transaction is committed. */
  readonly dropAfterwards: (blobKey: string) => void
  /** Blobs that are garbage if it is not. */
  readonly dropOnFailure: (blobKey: string) => void
  /** Something the owner of the notebook should know that is no failure. */
  readonly warn: (message: string) => void
  /** Parts of the output that could not be stored, though the others are; each a sentence. */
  readonly reject: (parts: readonly string[]) => void
}

/** @throws invalid, notFound with a message for the owner of the notebook */
export type Store<Output, Content = OutputFile> = (output: Output, content: Content, storing: Storing) => Promise<void>
