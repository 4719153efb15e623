/** Our own: what the daily pass would take away at the moment, told to whoever looks after the installation. */

import { Type } from 'typebox'
import { route } from './route.ts'
import { Count, DateTime, Text } from './shapes.ts'

const Told = Type.Object({
  name: Type.String({ minLength: 1, description: 'what would go: executions, expiredOutputs, jobFiles, …' }),
  count: Type.Optional(Count),
  bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'of files; rows of the database are not weighed' })),
  /** Why it could not be told. */
  problem: Type.Optional(Text),
})

export const getRetention = route({
  operation: 'instance.retention',
  owner: true,
  method: 'GET',
  path: '/retention',
  summary: 'Says what the daily pass would delete now, and how much that is. Deletes nothing.',
  reply: Type.Object({
    at: DateTime,
    /** False when the time for an answer was over before everything had been looked at; the rest is left out. */
    complete: Type.Boolean(),
    linksSeconds: Type.Number({ minimum: 0, description: 'how long links work; what only they led to goes then' }),
    executionsSeconds: Type.Number({ minimum: 0, description: 'how long executions are kept after their end' }),
    jobLogsSeconds: Type.Number({ minimum: 0, description: 'how long logs of jobs and deliveries are kept' }),
    chores: Type.Array(Told),
  }),
})
