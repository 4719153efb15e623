/** Questions about the history of devices: contract routes to the rooms below. */

import { getCompositeState, listCompositeStates } from '../../../contract/composite-states.ts'
import { queryLastValues, queryTimeSeries } from '../../../contract/time-series.ts'
import { enterApplication } from '../../catalog/applications.ts'
import { compositeState, compositeStates, lastValues } from '../../catalog/latest-values.ts'
import { timeSeries } from '../../catalog/time-series.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of questions about history. */
export function serveData(door: Door, { db, telemetry }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)
  const parts = { db, telemetry }

  serve(door, queryTimeSeries, async ({ caller, params, body }) =>
    timeSeries(parts, await enter(caller.userId, params.applicationId), body, new Date()),
  )
  serve(door, queryLastValues, async ({ caller, params, body }) =>
    lastValues(parts, await enter(caller.userId, params.applicationId), body, new Date()),
  )
  serve(door, getCompositeState, async ({ caller, params, query }) =>
    compositeState(parts, await enter(caller.userId, params.applicationId), params.deviceId, query, new Date()),
  )
  serve(door, listCompositeStates, async ({ caller, params, query }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    return { ...(await compositeStates(parts, applicationId, query, new Date())), applicationId }
  })
}
