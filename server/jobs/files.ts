/** The files that jobs make: kept as blobs, linked for a while, then gone. */

import { lstat } from 'node:fs/promises'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Attempt, JobRow, KeptFile } from './store.ts'
import type { MadeFile, RunningJob } from './work.ts'

/** All of an application's job files begin with it. */
export const applicationJobBlobs = (applicationId: string) => `jobs/${applicationId}`

/** The files of one attempt: what a lost one left is told from the others by this. */
const attemptBlobs = (applicationId: string, { id, attempt }: Attempt) =>
  `${applicationJobBlobs(applicationId)}/${id}/${attempt}`

/** Keeps what an attempt made. Names may be anything, so keys are made of numbers. */
export async function keepFiles(blobs: Blobs, job: RunningJob, files: readonly MadeFile[]): Promise<KeptFile[]> {
  const kept: KeptFile[] = []
  for (const [index, { name, path }] of files.entries()) {
    if (!(await lstat(path)).isFile()) throw new Error(`The job made ${path}, which is not a file`)
    const key = `${attemptBlobs(job.applicationId, job)}/${index}`
    const { sizeBytes } = await blobs.putFile(key, path)
    kept.push({ name, key, sizeBytes })
  }
  return kept
}

/** Drops what this attempt kept. */
export const dropAttempt = (blobs: Blobs, job: RunningJob) => blobs.deleteAll(attemptBlobs(job.applicationId, job))

/** Drops what attempts before this one kept before their worker died. */
export async function dropEarlier(blobs: Blobs, job: RunningJob): Promise<void> {
  for (let attempt = 1; attempt < job.attempt; attempt++)
    await blobs.deleteAll(attemptBlobs(job.applicationId, { id: job.id, attempt }))
}

/** Drops everything an ended job has. */
export const dropJob = (blobs: Blobs, row: Pick<JobRow, 'application_id' | 'id'>) =>
  blobs.deleteAll(`${applicationJobBlobs(row.application_id)}/${row.id}`)

/** How a file becomes a link: where the service is, the blob, the name to save it by, and when it came to be. */
export type LinkFile = (baseUrl: string, key: string, fileName: string, from: Date) => string

/** The links to what a job made; none before its end or after the files' time. */
export const linksOf = (row: JobRow, baseUrl: string, linkFile: LinkFile): string[] =>
  row.files.map(({ key, name }) => linkFile(baseUrl, key, name, row.completed_at ?? new Date()))
