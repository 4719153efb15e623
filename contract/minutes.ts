/** Minutes and endings of executions, by UTC day. */

import { type Static, Type } from 'typebox'
import { Count, DateTime } from './shapes.ts'

export const MinuteCount = Type.Object({
  date: DateTime,
  minutes: Count,
  completed: Count,
  canceled: Count,
  errored: Count,
  timeout: Count,
})

export type MinuteCount = Static<typeof MinuteCount>

export const MinuteCounts = Type.Object({ start: DateTime, end: DateTime, counts: Type.Array(MinuteCount) })
export type MinuteCounts = Static<typeof MinuteCounts>
