/**
 * The notebook of a run as far as it has got, kept as a blob: at most every two seconds, and only while it changes. It is
 * what people see meanwhile, from whichever process, and what is left when a worker dies. A short run keeps none.
 */

import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { messageOf, notFound } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { notebookChunks } from '../kernel/chunks.ts'
import { NOTEBOOK_LIMITS, type Notebook, parseNotebook } from '../kernel/notebook.ts'
import { forgetResults } from '../kernel/plan.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { isFinal } from './lifecycle.ts'
import { type Execution, executionBlobs } from './record.ts'
import { getExecution, type Holder } from './store.ts'

const FIRST_MS = 1000
const INTERVAL_MS = 2000
/** Keeping a notebook of 50 MB takes a while, and may take a tenth of the run at most. */
const SHARE = 10

const partialKey = ({ id, attempt }: Holder) => `${executionBlobs(id)}/${attempt}/partial.ipynb`

export interface Partial extends AsyncDisposable {
  /** The notebook is not what it was; called for every message of the kernel. */
  changed(): void
  /** Drops what was kept: the result has taken its place. */
  drop(): Promise<void>
}

/** Keeps `notebook`, which the run fills in place, for the attempt that holds the execution. */
export function keepPartial(blobs: Blobs, holder: Holder, notebook: Notebook, log: Log): Partial {
  const key = partialKey(holder)
  const closing = new AbortController()
  let isNew = false
  let isKept = false
  let keeping: Promise<void> | undefined

  const pause = (ms: number) => setTimeout(ms, undefined, { signal: closing.signal, ref: false }).catch(() => {})
  const keep = async () => {
    await pause(FIRST_MS)
    while (isNew && !closing.signal.aborted) {
      isNew = false
      const startedAt = performance.now()
      try {
        isKept = true
        await blobs.put(key, Readable.from(notebookChunks(notebook)))
      } catch (error) {
        log.warn({ executionId: holder.id, error: messageOf(error) }, 'partial result not kept')
      }
      await pause(Math.max(INTERVAL_MS, SHARE * (performance.now() - startedAt)))
    }
    keeping = undefined
  }
  const stop = async () => {
    closing.abort()
    await keeping
  }
  return {
    changed: () => {
      isNew = true
      if (!closing.signal.aborted) keeping ??= keep()
    },
    drop: async () => {
      await stop()
      if (isKept) await blobs.delete(key)
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** The size was checked when it was uploaded, against the limit of that day. */
const ACCEPTED = { ...NOTEBOOK_LIMITS, maxBytes: Number.MAX_SAFE_INTEGER }

/**
 * The newest notebook of an execution: its result, what it has kept so far, or, before its first cell, the uploaded one
 * without the outputs of its author. @throws notFound
 */
export async function openPartial(
  db: Queryable,
  blobs: Blobs,
  notebookId: string,
  executionId: string,
): Promise<Readable> {
  const execution = await getExecution(db, notebookId, executionId)
  const kept = await openFirst(blobs, keysOf(execution))
  if (kept) return kept
  // It may just have ended, when what it had kept gave way to its result.
  const now = await getExecution(db, notebookId, executionId)
  const result = await openFirst(blobs, keysOf(now))
  return result ?? openUploaded(blobs, now)
}

/** While it runs the attempt's own; afterwards, without a result, whichever attempt left something last. */
function keysOf(execution: Execution): string[] {
  const { id, attempt, status, outputInfo } = execution
  if (!isFinal(status)) return attempt > 0 ? [partialKey(execution)] : []
  const result = outputInfo['result.ipynb']
  if (result) return [result.key]
  return Array.from({ length: attempt }, (_, index) => partialKey({ id, attempt: attempt - index }))
}

/** Open before it is given, so that a blob that goes away meanwhile is not half an answer. */
async function openFirst(blobs: Blobs, keys: readonly string[]): Promise<Readable | undefined> {
  for (const key of keys) {
    if (!(await blobs.stat(key))) continue
    const stream = blobs.get(key)
    try {
      await once(stream, 'readable')
      return stream
    } catch {
      stream.destroy()
    }
  }
  return undefined
}

async function openUploaded(blobs: Blobs, { snapshot }: Execution): Promise<Readable> {
  const bytes = await blobs.read(snapshot.jupyterBlobKey).catch(() => undefined)
  if (!bytes) throw notFound('Notebook file')
  const notebook = parseNotebook(bytes, ACCEPTED, 'any')
  forgetResults(notebook)
  return Readable.from(notebookChunks(notebook))
}
