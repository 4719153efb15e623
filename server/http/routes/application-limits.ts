/** The limits of an application and what it uses of them: contract routes to the rooms below. */

import { getApplicationLimits, putApplicationLimits } from '../../../contract/limits.ts'
import { readApplicationLimits, setApplicationLimits } from '../../catalog/application-limits.ts'
import { checkLimits, effectiveLimits } from '../../catalog/limits.ts'
import { periodEnd, readApplicationUsage } from '../../executions/places.ts'
import { wakeWorkers } from '../../executions/store.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of an application's limits. */
export function serveApplicationLimits(door: Door, { db, config }: Parts): void {
  const tell = async (applicationId: string) => {
    const now = new Date()
    const limits = await readApplicationLimits(db, applicationId)
    const { total: _, ...effective } = effectiveLimits(limits, config.limits)
    const usage = await readApplicationUsage(db, applicationId, now)
    return { limits, effective, installation: config.limits, usage, minutesResetAt: periodEnd(now).toISOString() }
  }

  serve(door, getApplicationLimits, async ({ params }) => tell(params.applicationId))
  serve(door, putApplicationLimits, async ({ params, body }) => {
    const { applicationId } = params
    checkLimits(body, config.limits)
    await db.transaction(async (tx) => {
      await setApplicationLimits(tx, applicationId, body)
      // More may run now than before.
      await wakeWorkers(tx)
    })
    return tell(applicationId)
  })
}
