/** Notes about `contract/job-logs.ts`. */

import { APPLICATION, blobLink, JOB, JOB_ID, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Jobs', description: 'What became of work that went on after its request was answered.' },
  schemas: {
    JobQueued: { is: 'That a job does it, and which.', example: { success: true, jobQueued: true, jobId: JOB_ID } },
    JobStatus: { is: 'Where a job stands: `errored` by its request, `failed` by a fault of the service.' },
    JobResource: { is: 'What kind of thing a job is about.' },
    JobRequesterType: { is: 'What kind of thing asked for a job.' },
    JobLog: {
      is: 'What became of a job.',
      example: {
        id: JOB,
        jobId: JOB,
        jobExecutionId: JOB,
        name: 'Export of device data',
        applicationId: APPLICATION,
        runQueuedAt: '2026-11-26T08:00:00.000Z',
        runStartedAt: '2026-11-26T08:00:00.104Z',
        runCompletedAt: '2026-11-26T08:00:02.871Z',
        status: 'completed',
        requestedById: USER,
        requestedByType: 'user',
        ownerType: 'application',
        ownerId: APPLICATION,
        resourceType: 'device',
        input: { start: -604_800_000, end: 0 },
        output: { url: blobLink('export.csv') },
      },
    },
  },
}
