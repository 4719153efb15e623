/** What devices report: contract routes to the rooms below. */

import { getIgnored } from '../../../contract/ignored.ts'
import { getState, sendState } from '../../../contract/states.ts'
import { listIgnored } from '../../catalog/ignored.ts'
import { listStates, sendStates } from '../../catalog/states.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of what devices report. */
export function serveStates(door: Door, { db, telemetry, config, ignoredCounts }: Parts): void {
  serve(door, sendState, async ({ params, body }) => {
    const { applicationId } = params
    const rules = { maxAgeMs: config.ingest.maxAgeMs, now: new Date() }
    ignoredCounts.add(params.deviceId, await sendStates(db, applicationId, params.deviceId, body, rules))
    return { success: true }
  })
  serve(door, getState, async ({ params, query }) =>
    listStates({ db, telemetry }, params.applicationId, params.deviceId, query, new Date()),
  )
  serve(door, getIgnored, async ({ params, query }) => {
    const { applicationId } = params
    await ignoredCounts.write() // what this process counted since it last wrote
    return listIgnored(db, applicationId, query)
  })
}
