/** Schedules: when a notebook is executed without anybody asking. Ours; the original leaves it to its workflows. */

import { type Static, Type } from 'typebox'
import { NotebookParams } from './notebooks.ts'
import { route } from './route.ts'
import {
  closed,
  DateTime,
  Email,
  Link,
  listQuery,
  listReply,
  MediumText,
  ObjectId,
  Success,
  Text,
  Url,
  words,
} from './shapes.ts'

export const ScheduleParams = Type.Object({ ...NotebookParams.properties, scheduleId: ObjectId })

export const CatchUp = words('none', 'last', 'all')
export type CatchUp = Static<typeof CatchUp>

export const Overlap = words('skip', 'queue')
export type Overlap = Static<typeof Overlap>

/** Takes back whom a schedule told. */
const Nobody = Type.Literal('')

export const SchedulePatch = Type.Object(
  {
    name: Type.Optional(MediumText),
    cron: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'minute hour day month weekday' })),
    timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'an IANA name, Europe/Berlin' })),
    enabled: Type.Optional(Type.Boolean()),
    catchUp: Type.Optional(CatchUp),
    catchUpLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'of catchUp all: the newest' })),
    overlap: Type.Optional(Overlap),
    templateContext: Type.Optional(Type.String({ maxLength: 32767, description: 'JSON text, empty for none' })),
    email: Type.Optional(Type.Union([Email, Nobody])),
    callbackUrl: Type.Optional(Type.Union([Url, Nobody])),
  },
  closed,
)
export type SchedulePatch = Static<typeof SchedulePatch>

export const SchedulePost = Type.Object(
  { ...SchedulePatch.properties, cron: Type.String({ minLength: 1, maxLength: 255 }) },
  closed,
)
export type SchedulePost = Static<typeof SchedulePost>

export const Schedule = Type.Object({
  id: ObjectId,
  scheduleId: ObjectId,
  notebookId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  name: Type.Optional(MediumText),
  cron: Type.String({ minLength: 1, maxLength: 255 }),
  timeZone: Type.String({ minLength: 1, maxLength: 64 }),
  enabled: Type.Boolean(),
  catchUp: CatchUp,
  catchUpLimit: Type.Integer({ minimum: 1, maximum: 100 }),
  overlap: Overlap,
  templateContext: Type.Optional(Type.String()),
  email: Type.Optional(Type.String({ format: 'email', description: 'who is told of the end of each execution' })),
  callbackUrl: Type.Optional(Link),
  nextRuns: Type.Array(DateTime, { maxItems: 5, description: 'the next 5 planned times, none while it is disabled' }),
  lastRun: Type.Optional(
    Type.Object(
      { plannedFor: DateTime, queuedAt: DateTime, executionId: ObjectId },
      { description: 'that was queued' },
    ),
  ),
  lastMissed: Type.Optional(
    Type.Object(
      { from: DateTime, to: DateTime, seenAt: DateTime },
      { description: 'planned times that passed while nobody looked, and were left out: the first and the last' },
    ),
  ),
  lastSkipped: Type.Optional(
    Type.Object({ plannedFor: DateTime, seenAt: DateTime, reason: Text }, { description: 'by overlap' }),
  ),
  lastError: Type.Optional(
    Type.Object(
      { plannedFor: DateTime, seenAt: DateTime, type: Text, message: Text },
      { description: 'why an execution could not be queued' },
    ),
  ),
})
export type Schedule = Static<typeof Schedule>

const PATH = '/applications/:applicationId/notebooks/:notebookId/schedules'
const body = 'schedule'

export const createSchedule = route({
  operation: 'schedules.post',
  method: 'POST',
  path: PATH,
  summary: 'Has a notebook executed at the times of a cron expression in a time zone.',
  params: NotebookParams,
  body: { name: body, schema: SchedulePost },
  status: 201,
  reply: Schedule,
  entity: 'schedule',
})

export const listSchedules = route({
  operation: 'schedules.get',
  method: 'GET',
  path: PATH,
  summary: 'Lists the schedules of a notebook.',
  params: NotebookParams,
  query: listQuery(['name', 'id', 'creationDate', 'lastUpdated', 'nextRun'], ['name']),
  reply: listReply(Schedule),
  entity: 'schedules',
})

export const getSchedule = route({
  operation: 'schedule.get',
  method: 'GET',
  path: `${PATH}/:scheduleId`,
  summary: 'Gives one schedule, with its next times and what became of the last ones.',
  params: ScheduleParams,
  reply: Schedule,
  entity: 'schedule',
})

export const patchSchedule = route({
  operation: 'schedule.patch',
  method: 'PATCH',
  path: `${PATH}/:scheduleId`,
  summary: 'Changes a schedule; a new expression or time zone, and enabling it, count from now on.',
  params: ScheduleParams,
  body: { name: body, schema: SchedulePatch },
  reply: Schedule,
  entity: 'schedule',
})

export const deleteSchedule = route({
  operation: 'schedule.delete',
  method: 'DELETE',
  path: `${PATH}/:scheduleId`,
  summary: 'Deletes a schedule; executions it has queued stay.',
  params: ScheduleParams,
  reply: Success,
})
