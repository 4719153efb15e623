/** Job logs: what became of work that goes on after its request was answered, such as exports and bulk changes. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { QueryParameter } from './devices.ts'
import { route } from './route.ts'
import { DateTime, listQuery, listReply, ObjectId, Text, words } from './shapes.ts'

/** The answer of every request that queues a job. */
export const JobQueued = Type.Object({
  success: Type.Literal(true),
  jobQueued: Type.Literal(true),
  jobId: Type.String({ minLength: 1, maxLength: 21, description: 'what GET …/jobLogs/{jobId} takes' }),
})
export type JobQueued = Static<typeof JobQueued>

export const JobStatus = words('queued', 'inProgress', 'completed', 'errored', 'failed')
export type JobStatus = Static<typeof JobStatus>

export const JobResource = words('application', 'dashboard', 'datatable', 'event', 'device', 'notebook', 'deviceRecipe')
export type JobResource = Static<typeof JobResource>

export const JobRequesterType = words('user', 'apiToken', 'flow', 'device', 'system')
export type JobRequesterType = Static<typeof JobRequesterType>

export const JobLog = Type.Object({
  id: ObjectId,
  jobId: ObjectId,
  jobExecutionId: ObjectId,
  name: Text,
  applicationId: ObjectId,
  runQueuedAt: DateTime,
  runStartedAt: Type.Optional(DateTime),
  runCompletedAt: Type.Optional(DateTime),
  status: JobStatus,
  requestedById: Type.Optional(ObjectId),
  requestedByType: JobRequesterType,
  ownerType: Type.Literal('application'),
  ownerId: ObjectId,
  resourceType: JobResource,
  resourceId: Type.Optional(ObjectId),
  progress: Type.Optional(
    Type.Object({
      completed: Type.Number({ minimum: 0 }),
      total: Type.Number({ minimum: 0 }),
      status: Type.Optional(Text),
    }),
  ),
  error: Type.Optional(Type.Object({ name: Text, message: Text })),
  input: Type.Record(Type.String(), Type.Unknown()),
  output: Type.Record(Type.String(), Type.Unknown()),
})
export type JobLog = Static<typeof JobLog>

export const listJobLogs = route({
  operation: 'applicationJobLogs.get',
  method: 'GET',
  path: '/applications/:applicationId/jobLogs',
  summary: 'Lists the jobs of an application.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['name', 'status', 'resourceType', 'runQueuedAt', 'runStartedAt', 'runCompletedAt'], []).properties,
    query: QueryParameter,
  }),
  reply: Type.Object({ ...listReply(JobLog).properties, query: Type.Optional(Type.Unknown()) }),
  entity: 'applicationJobLogs',
})

export const getJobLog = route({
  operation: 'applicationJobLog.get',
  method: 'GET',
  path: '/applications/:applicationId/jobLogs/:jobId',
  summary: 'Gives one job, by the jobId that its request was answered with or by the id in its log.',
  params: Type.Object({
    applicationId: ObjectId,
    jobId: Type.String({
      pattern: '^(?:[A-Fa-f\\d]{24}|[0-9A-Za-z]{19})$',
      description: 'the 19 characters a request was answered with, or an id of 24 hexadecimal digits',
    }),
  }),
  reply: JobLog,
  entity: 'applicationJobLog',
})
