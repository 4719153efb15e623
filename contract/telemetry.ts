/** Our own: how long the history of an application is kept, and how much of it there is. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { Count, closed, ObjectId } from './shapes.ts'

/** A hundred years. */
const MAX_DAYS = 36_525

const RetentionDays = Type.Union([Type.Number({ minimum: 0, maximum: MAX_DAYS }), Type.Null()], {
  description: `a number of days from 0 to ${MAX_DAYS}, by the time of the states: 0 keeps them for ever, null as long as the installation does`,
})

export const TelemetryPut = Type.Object({ retentionDays: RetentionDays }, closed)

export const Telemetry = Type.Object({
  applicationId: ObjectId,
  retentionDays: RetentionDays,
  /** What null stands for; null again where everything is kept for ever. */
  installationRetentionDays: Type.Union([Type.Number(), Type.Null()]),
  hotReports: Type.Integer({ minimum: 0, description: 'reports that are not sealed yet' }),
  segments: Type.Integer({ minimum: 0, description: 'files of sealed states' }),
  sealedStates: Type.Integer({
    minimum: 0,
    description: 'states in them; one that was reported again counts twice until they are compacted',
  }),
  sealedBytes: Count,
})
export type Telemetry = Static<typeof Telemetry>

export const getTelemetry = route({
  operation: 'application.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications/:applicationId/telemetry',
  summary: 'Tells how long states of an application are kept, and how many there are.',
  params: ApplicationParams,
  reply: Telemetry,
})

export const putTelemetry = route({
  operation: 'application.patch',
  grants: { cli: true },
  method: 'PUT',
  path: '/applications/:applicationId/telemetry',
  summary: 'Sets how long states of an application are kept. What is older is forgotten at once, and for good.',
  params: ApplicationParams,
  body: { name: 'telemetry', schema: TelemetryPut },
  reply: Telemetry,
})
