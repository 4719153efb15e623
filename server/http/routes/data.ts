/** Questions about the history of devices: contract routes to the rooms below. */

import { getCompositeState, listCompositeStates } from '../../../contract/composite-states.ts'
import { queryLastValues, queryTimeSeries } from '../../../contract/time-series.ts'
import { sightOf } from '../../access/device-sight.ts'
import { compositeState, compositeStates, lastValues } from '../../catalog/latest-values.ts'
import { timeSeries } from '../../catalog/time-series.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of questions about history. */
export function serveData(door: Door, { db, telemetry }: Parts): void {
  const parts = { db, telemetry }

  serve(door, queryTimeSeries, async ({ caller, params, body }) =>
    timeSeries(parts, params.applicationId, body, new Date(), sightOf(caller)),
  )
  serve(door, queryLastValues, async ({ caller, params, body }) =>
    lastValues(parts, params.applicationId, body, new Date(), sightOf(caller)),
  )
  serve(door, getCompositeState, async ({ params, query }) =>
    compositeState(parts, params.applicationId, params.deviceId, query, new Date()),
  )
  serve(door, listCompositeStates, async ({ caller, params, query }) => {
    const { applicationId } = params
    return { ...(await compositeStates(parts, applicationId, query, new Date(), sightOf(caller))), applicationId }
  })
}
