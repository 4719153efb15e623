/** What devices report: contract routes to the rooms below. */

import { getState, sendState } from '../../../contract/states.ts'
import { enterApplication } from '../../catalog/applications.ts'
import { listStates, sendStates } from '../../catalog/states.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of what devices report. */
export function serveStates(door: Door, { db, telemetry, config, log }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)

  serve(door, sendState, async ({ caller, params, body }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    const rules = { maxAgeMs: config.ingest.maxAgeMs, now: new Date() }
    const ignored = await sendStates(db, applicationId, params.deviceId, body, rules)
    if (Object.keys(ignored).length > 0)
      log.debug({ applicationId, deviceId: params.deviceId, ignored }, 'states ignored')
    return { success: true }
  })
  serve(door, getState, async ({ caller, params, query }) =>
    listStates({ db, telemetry }, await enter(caller.userId, params.applicationId), params.deviceId, query, new Date()),
  )
}
