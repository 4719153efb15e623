/**
 * Result files of an execution that has ended, made when somebody asks for them: a job renders the notebook that was kept,
 * and what it makes is kept beside the other results. Doors only ask and wait; so it works where only others have an image.
 */

import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { AppError, conflict, limited, notFound, unavailable } from '../ground/errors.ts'
import { countUnfinished, jobEnd, recentFailure, unfinishedJob } from '../jobs/logs.ts'
import type { JobRow } from '../jobs/store.ts'
import type { JobRequest, Jobs, JobWork } from '../jobs/work.ts'
import type { Renderer } from '../render/renderer.ts'
import { RENDERED_FILES, type RenderedFile } from '../render/rendering.ts'
import type { Image } from '../sandbox/image.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { isFinal } from './lifecycle.ts'
import { openPartial } from './partial.ts'
import { type Execution, executionBlobs, type KeptFile } from './record.ts'
import { contentTypeOf } from './staging.ts'
import { addResult, getExecution } from './store.ts'

/** The kind of the job. */
export const RENDER_RESULT = 'renderResult'

export interface RenderingRequest extends Required<Pick<JobRequest, 'requester' | 'baseUrl'>> {
  readonly applicationId: string
  readonly notebookId: string
  readonly executionId: string
  readonly file: RenderedFile
  /** Ends the wait; the job goes on. */
  readonly signal: AbortSignal
}

/** Longer than any page takes, shorter than proxies wait. */
const WAIT_MS = 25_000
const FIRST_LOOK_MS = 15
const LONGEST_LOOK_MS = 250

/** Of one application, queued or being made; each takes a place of the workers that others wait for too. */
const MOST_UNFINISHED = 5
/** With as many before it, most have ended by then. */
const FULL_RETRY_SECONDS = 5
/** What could not be made is not tried again before: it takes two minutes of a core and 1.5 GiB at worst. */
const FAILURE_KEPT_MS = 5 * 60_000
/** Any constant of our own: the first key of the advisory locks under which an application's unfinished ones are counted. */
const COUNTING = 735_091_468

/**
 * The file of an execution, made now unless it is there. Those who ask for the same at once share one job.
 * What could not be made is answered for five minutes with the same reason.
 * @throws notFound; conflict while the execution runs, or when it can't be made on this machine; limited when the
 * application has five that are not made yet; unavailable when it could not be made, or takes longer than 25 s
 */
export async function renderedResult(
  { db, blobs, jobs }: { db: Database; blobs: Blobs; jobs: Jobs },
  request: RenderingRequest,
): Promise<KeptFile> {
  const { notebookId, executionId, file, signal } = request
  const find = () => getExecution(db, notebookId, executionId)
  const there = await keptResult(blobs, await find(), file)
  if (there) return there
  const jobId = await askFor({ db, jobs }, request)
  const limit = AbortSignal.any([AbortSignal.timeout(WAIT_MS), signal])
  for (let ms = FIRST_LOOK_MS; !limit.aborted; ms = Math.min(2 * ms, LONGEST_LOOK_MS)) {
    await pause(ms, undefined, { signal: limit }).catch(() => {})
    const end = await jobEnd(db, jobId)
    if (!end) continue
    if (end.error) throw notMade(end.error, FAILURE_KEPT_MS)
    const made = await keptResult(blobs, await find(), file)
    if (!made) throw notFound(file)
    return made
  }
  throw unavailable(`${file} is being made; ask for it again`)
}

/** What the job's error is to whoever asked; tried again when `leftMs` have passed. */
function notMade({ name, message }: NonNullable<JobRow['error']>, leftMs: number): AppError {
  if (name === LASTING) return conflict(message)
  return new AppError('unavailable', message, { retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)) })
}

/** The name that jobs give to an error of the kind `conflict`. */
const LASTING = 'Conflict'

/** The job's id, of one that is under way already if there is one. */
function askFor({ db, jobs }: { db: Database; jobs: Jobs }, request: RenderingRequest): Promise<string> {
  const { applicationId, notebookId, executionId, file, requester, baseUrl } = request
  const job = { applicationId, kind: RENDER_RESULT, resourceId: notebookId, input: { executionId, fileName: file } }
  return db.transaction(async (tx) => {
    // Before the row: whoever waits for this lock holds nothing that others wait for.
    await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [COUNTING, applicationId])
    const row = await tx.one<{ status: Execution['status'] }>(
      'select status from executions where id = $1 for update', // whoever asks at the same moment sees our job
      [executionId],
    )
    if (!row) throw notFound('Execution')
    if (!isFinal(row.status)) {
      throw conflict(
        `The execution has not ended; ${file} is made of its result, and result.ipynb can be had meanwhile`,
      )
    }
    const known = await unfinishedJob(tx, job)
    if (known) return known
    const before = await recentFailure(tx, job, FAILURE_KEPT_MS)
    if (before) throw notMade(before.error, FAILURE_KEPT_MS - before.ageMs)
    await requirePlace(tx, applicationId)
    await jobs.enqueue(tx, { ...job, name: `${file} of an execution`, resourceType: 'notebook', requester, baseUrl })
    const queued = await unfinishedJob(tx, job)
    if (!queued) throw new Error('the job that was queued is not there')
    return queued
  })
}

/** @throws limited */
async function requirePlace(tx: Queryable, applicationId: string): Promise<void> {
  const used = await countUnfinished(tx, { applicationId, kind: RENDER_RESULT })
  if (used < MOST_UNFINISHED) return
  throw limited(
    `${used} result files of this application are being made, and at most ${MOST_UNFINISHED} may be; try again in ${FULL_RETRY_SECONDS} seconds`,
    { name: RENDER_RESULT, of: 'application', allowed: MOST_UNFINISHED, used },
    FULL_RETRY_SECONDS,
  )
}

/** A link may have ended and its file with it; then it is made anew. */
async function keptResult(blobs: Blobs, { outputInfo }: Execution, file: RenderedFile): Promise<KeptFile | undefined> {
  const kept = outputInfo[file]
  return kept && (await blobs.stat(kept.key)) ? kept : undefined
}

export interface RenderingParts {
  readonly db: Database
  readonly blobs: Blobs
  readonly renderer: Renderer
  readonly image: (version: string) => Promise<Image>
}

/** The work behind it: from the notebook as it was kept, or as far as it got, to a file that the execution shows. */
export const renderResult =
  ({ db, blobs, renderer, image }: RenderingParts): JobWork =>
  async ({ id, attempt, resourceId: notebookId = '', input }, { folder, signal }) => {
    const file = RENDERED_FILES.find((name) => name === input['fileName'])
    if (!file) throw notFound('Result file')
    const execution = await getExecution(db, notebookId, String(input['executionId']))
    if (await keptResult(blobs, execution, file)) return {}
    const [ipynbPath, path] = [join(folder, 'result.ipynb'), join(folder, file)]
    const { name, imageVersion } = execution.snapshot
    const [used] = await Promise.all([
      image(imageVersion),
      openPartial(db, blobs, notebookId, execution.id).then((notebook) =>
        pipeline(notebook, createWriteStream(ipynbPath), { signal }),
      ),
    ])
    const about = { title: name, owner: execution.applicationId }
    const made = await renderer.render(file, { image: used, ipynbPath, path, ...about, signal })
    if (made.kind === 'failed') {
      const message = `${file} could not be made: ${made.message}`
      throw made.isLasting ? conflict(message) : unavailable(message)
    }
    const key = `${executionBlobs(execution.id)}/${execution.attempt}/rendered/${id}-${attempt}`
    const { sizeBytes } = await blobs.putFile(key, path)
    const kept = { key, size: sizeBytes, contentType: contentTypeOf(file) }
    // Deleted meanwhile, or made by another attempt: then nobody refers to this one.
    if (!(await addResult(db, execution, file, kept))) await blobs.delete(key)
    return {}
  }
