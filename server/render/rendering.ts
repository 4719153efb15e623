/** What a rendering is given, and how it ends: one shape for pages and documents, whoever makes them. */

import type { Image } from '../sandbox/image.ts'
import type { Ending } from '../sandbox/process.ts'

/** The result files that are made from the executed notebook, and only when somebody asks. */
export const RENDERED_FILES = ['result.html', 'result.pdf'] as const
export type RenderedFile = (typeof RENDERED_FILES)[number]

export interface RenderRequest {
  /** That the notebook ran in, or one that can render it. */
  readonly image: Image
  /** The executed notebook, a file of this machine. */
  readonly ipynbPath: string
  /** Written whole or not at all; its folder must be writable for the service. */
  readonly path: string
  readonly title: string
  /** Whose notebook it is: what has shown scripts of one owner is not used for another. */
  readonly owner: string
  /** Aborted: the rendering ends with what is left of it gone. */
  readonly signal?: AbortSignal
}

/** A rendering that fails, takes too long or is canceled is a value. */
export type Rendered =
  | { readonly kind: 'rendered'; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly message: string; readonly ending?: Ending; readonly isLasting?: true }

/** Makes one kind of file; rejects only when the signal was aborted before it began. */
export type Render = (request: RenderRequest) => Promise<Rendered>

export const failed = (message: string, ending?: Ending): Rendered => ({
  kind: 'failed',
  message,
  ...(ending ? { ending } : {}),
})

/** One that will be the same when it is tried again, on this machine and of this notebook. */
export const failedForGood = (message: string): Rendered => ({ kind: 'failed', message, isLasting: true })

/** A sentence for the owner of the notebook; `what` begins it. */
export function whyFailed(what: string, { reason, exitCode, signal, stderrTail }: Ending): string {
  if (reason === 'timeout') return `${what} took too long`
  if (reason === 'canceled' || reason === 'lost') return `${what} was canceled`
  if (reason === 'outOfMemory') return `${what} needed more memory than it may have`
  const lastLine = stderrTail.trim().split('\n').at(-1)
  return `${what} failed: ${lastLine || `it ended with ${signal ?? exitCode}`}`
}
