/** Our own: what devices reported and the service did not store, counted by reason. */

import { Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { DateTime, ObjectId } from './shapes.ts'
import { IgnoredReason } from './states.ts'

const Counts = Type.Partial(Type.Record(IgnoredReason, Type.Integer()))

export const getIgnored = route({
  operation: 'telemetry.ignored',
  method: 'GET',
  path: '/applications/:applicationId/telemetry/ignored',
  summary: 'Tells how many reported states and values were not stored, by device and reason, those of late first.',
  params: ApplicationParams,
  query: Type.Object({
    deviceId: Type.Optional(ObjectId),
    page: Type.Optional(Type.String({ maxLength: 20 })),
    perPage: Type.Optional(Type.String({ maxLength: 20 })),
  }),
  reply: Type.Object({
    applicationId: ObjectId,
    ignored: Counts,
    items: Type.Array(Type.Object({ deviceId: ObjectId, lastIgnored: DateTime, ignored: Counts })),
    count: Type.Integer(),
    totalCount: Type.Integer(),
    perPage: Type.Integer(),
    page: Type.Integer(),
  }),
})
