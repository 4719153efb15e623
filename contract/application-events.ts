/** Events of an application: something that happened, who said so, and what was done about it. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { QueryParameter } from './devices.ts'
import { JobQueued } from './job-logs.ts'
import { route } from './route.ts'
import {
  Count,
  closed,
  DateTime,
  Email,
  listQuery,
  listReply,
  Name,
  ObjectId,
  Success,
  TimeFormats,
  Url,
  words,
} from './shapes.ts'

export const EventParams = Type.Object({ applicationId: ObjectId, eventId: ObjectId })

/** From the least to the most severe. */
export const EVENT_LEVELS = ['info', 'warning', 'error', 'critical'] as const
export const EventLevel = words(...EVENT_LEVELS)
export type EventLevel = Static<typeof EventLevel>

const EVENT_STATES = ['new', 'acknowledged', 'resolved'] as const
export const EventState = words(...EVENT_STATES)
export type EventState = Static<typeof EventState>

const Message = Type.String({ maxLength: 32767 })
const TAG_KEY = '^[0-9a-zA-Z_-]{1,255}$'
export const EventTags = Type.Record(Type.String({ pattern: TAG_KEY }), Name, { ...closed, maxProperties: 100 })
export type EventTags = Static<typeof EventTags>

export const EventPost = Type.Object(
  {
    level: EventLevel,
    state: Type.Optional(EventState),
    subject: Name,
    message: Type.Optional(Message),
    data: Type.Optional(Type.Unknown()),
    deviceId: Type.Optional(ObjectId),
    eventTags: Type.Optional(EventTags),
    creationDate: Type.Optional(TimeFormats),
    disableTagChangeTracking: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type EventPost = Static<typeof EventPost>

export const EventPatch = Type.Object(
  {
    state: Type.Optional(EventState),
    level: Type.Optional(EventLevel),
    subject: Type.Optional(Name),
    deviceId: Type.Optional(Type.Union([ObjectId, Type.Null()])),
    comment: Type.Optional(Message),
    data: Type.Optional(Type.Unknown()),
    eventTags: Type.Optional(EventTags),
  },
  closed,
)
export type EventPatch = Static<typeof EventPatch>

export const EventSource = Type.Object({
  sourceType: words('flow', 'user', 'device', 'apiToken', 'experienceUser', 'public'),
  sourceId: ObjectId,
  sourceName: Name,
})
export type EventSource = Static<typeof EventSource>

const change = <T extends ReturnType<typeof Type.String>>(value: T) =>
  Type.Optional(Type.Object({ old: Type.Optional(value), new: Type.Optional(value) }))

/** One entry of an event's history; a change has what was and what became, and lacks the one that there is not. */
export const EventUpdate = Type.Object({
  ...EventSource.properties,
  creationDate: DateTime,
  comment: Type.Optional(Message),
  data: Type.Optional(Type.Unknown()),
  state: Type.Optional(EventState),
  stateChange: Type.Optional(Type.Object({ old: EventState, new: EventState })),
  levelChange: Type.Optional(Type.Object({ old: EventLevel, new: EventLevel })),
  subjectChange: Type.Optional(Type.Object({ old: Name, new: Name })),
  deviceIdChange: Type.Optional(
    Type.Object({
      old: Type.Optional(ObjectId),
      oldDeviceName: Type.Optional(Name),
      new: Type.Optional(ObjectId),
      newDeviceName: Type.Optional(Name),
    }),
  ),
  tagsChange: Type.Optional(Type.Record(Type.String(), change(Name))),
})
export type EventUpdate = Static<typeof EventUpdate>

export const Event = Type.Object({
  id: ObjectId,
  eventId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  ...EventSource.properties,
  level: EventLevel,
  state: EventState,
  subject: Name,
  message: Type.Optional(Message),
  data: Type.Optional(Type.Unknown()),
  deviceId: Type.Optional(ObjectId),
  deviceName: Type.Optional(Name),
  disableTagChangeTracking: Type.Boolean(),
  eventTags: EventTags,
  updates: Type.Array(EventUpdate, { maxItems: 100, description: 'the newest last' }),
})
export type Event = Static<typeof Event>

/** More events than this are left to a job, answered 202. */
export const MAX_EVENTS_AT_ONCE = 1000

const Query = Type.Object({}, { description: 'a query for events' })
const told = { email: Type.Optional(Email), callbackUrl: Type.Optional(Url) }

/** A query takes the place of the others. */
const filters = {
  filterField: Type.Optional(words('', 'subject')),
  filter: Type.Optional(Type.String({ maxLength: 255 })),
  state: Type.Optional(words('', ...EVENT_STATES)),
  query: QueryParameter,
}

const LIST = listQuery(
  ['subject', 'id', 'creationDate', 'lastUpdated', 'level', 'state', 'deviceId'],
  ['subject'],
).properties

export const createEvent = route({
  operation: 'events.post',
  method: 'POST',
  path: '/applications/:applicationId/events',
  summary: 'Creates an event.',
  params: ApplicationParams,
  body: { name: 'event', schema: EventPost },
  status: 201,
  reply: Event,
  entity: 'event',
})

export const listEvents = route({
  operation: 'events.get',
  method: 'GET',
  path: '/applications/:applicationId/events',
  summary: 'Lists the events of an application, the newest first; a query takes the place of all other filters.',
  params: ApplicationParams,
  query: Type.Object({ ...LIST, ...filters }),
  reply: Type.Object({
    ...listReply(Event).properties,
    state: Type.Optional(EventState),
    query: Type.Optional(Type.Unknown()),
  }),
  entity: 'events',
})

export const patchEvents = route({
  operation: 'events.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/events',
  summary: 'Changes the events that the filters choose, without any all of them.',
  params: ApplicationParams,
  query: Type.Object({ ...filters, ...told }),
  body: { name: 'updates', schema: EventPatch },
  reply: Type.Union([Success, JobQueued]),
})

export const deleteEvents = route({
  operation: 'events.delete',
  // As published: a token that only reads may delete events. A user who may only look may not.
  grants: { reads: true },
  role: 'editor',
  method: 'POST',
  path: '/applications/:applicationId/events/delete',
  summary: 'Deletes the events of a query; {} is all of them.',
  params: ApplicationParams,
  query: Type.Object(told),
  body: { name: 'query', schema: Query },
  reply: Type.Union([Type.Object({ removed: Count }), JobQueued]),
})

export const EventsExport = Type.Object(
  {
    ...told,
    query: Type.Optional(Query),
    format: Type.Optional(words('csv', 'json')),
    excludeUpdates: Type.Optional(Type.Boolean()),
  },
  closed,
)

export const exportEvents = route({
  operation: 'events.export',
  grants: { reads: true },
  method: 'POST',
  path: '/applications/:applicationId/events/export',
  summary: 'Queues the writing of events to a file; without a query of all of them.',
  params: ApplicationParams,
  body: { name: 'exportData', schema: EventsExport },
  status: 202,
  reply: JobQueued,
})

export const mostRecentBySeverity = route({
  operation: 'events.mostRecentBySeverity',
  method: 'GET',
  path: '/applications/:applicationId/events/mostRecentBySeverity',
  summary: 'Gives the newest of the most severe events in state new, and how many are new.',
  params: ApplicationParams,
  query: Type.Object({ filter: filters.filter, query: QueryParameter }),
  reply: Type.Object({ event: Type.Optional(Event), newCount: Count }),
})

export const getEvent = route({
  operation: 'event.get',
  method: 'GET',
  path: '/applications/:applicationId/events/:eventId',
  summary: 'Gives one event with its history.',
  params: EventParams,
  reply: Event,
  entity: 'event',
})

export const patchEvent = route({
  operation: 'event.patch',
  method: 'PATCH',
  path: '/applications/:applicationId/events/:eventId',
  summary: 'Changes an event, and adds to its history what was changed, by whom, and what they said.',
  params: EventParams,
  body: { name: 'event', schema: EventPatch },
  reply: Event,
  entity: 'event',
})

export const deleteEvent = route({
  operation: 'event.delete',
  method: 'DELETE',
  path: '/applications/:applicationId/events/:eventId',
  summary: 'Deletes an event.',
  params: EventParams,
  reply: Success,
})
