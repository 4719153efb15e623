/** Our own: what devices reported and the service did not store, counted by reason. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { Count, DateTime, ObjectId } from './shapes.ts'
import type { IgnoredReason } from './states.ts'

/** Only the reasons there were. */
export const IgnoredCounts = Type.Object({
  tooOld: Type.Optional(Count),
  tooFarAhead: Type.Optional(Count),
  empty: Type.Optional(Count),
  undeclared: Type.Optional(Count),
  unfit: Type.Optional(Count),
  tooLong: Type.Optional(Count),
} satisfies Record<Static<typeof IgnoredReason>, unknown>)

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
    ignored: IgnoredCounts,
    items: Type.Array(Type.Object({ deviceId: ObjectId, lastIgnored: DateTime, ignored: IgnoredCounts })),
    count: Count,
    totalCount: Count,
    perPage: Count,
    page: Count,
  }),
})
