/** The history of an application as a whole: how long it is kept, how much there is. */

import { getTelemetry, putTelemetry, type Telemetry } from '../../../contract/telemetry.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

const DAY_MS = 86_400_000

/** Registers the routes of an application's history. */
export function serveTelemetry(door: Door, { db, telemetry, config }: Parts): void {
  const tell = async (applicationId: string): Promise<Telemetry> => {
    const { retentionMs, ...size } = await telemetry.describe(applicationId)
    const ofAll = config.telemetry.retentionMs
    return {
      applicationId,
      retentionDays: retentionMs === null ? null : retentionMs / DAY_MS,
      installationRetentionDays: ofAll === undefined ? null : ofAll / DAY_MS,
      ...size,
    }
  }

  serve(door, getTelemetry, async ({ params }) => tell(params.applicationId))
  serve(door, putTelemetry, async ({ params, body: { retentionDays } }) => {
    const { applicationId } = params
    const ms = retentionDays === null ? null : Math.round(retentionDays * DAY_MS)
    await db.transaction((tx) => telemetry.setRetention(tx, applicationId, ms), { repeatable: true })
    return tell(applicationId)
  })
}
