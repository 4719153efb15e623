/** What the daily pass would delete: for owners of the installation only, because it is about all applications. */

import { getRetention } from '../../../contract/retention.ts'
import { tidy } from '../../jobs/tidy.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Every blob is looked at; clients wait no longer than about that. */
const LIMIT_MS = 50_000

/** Registers the dry run. */
export function serveRetention(door: Door, { chores, config, log }: Parts): void {
  serve(door, getRetention, async () => {
    const now = new Date()
    const told = await tidy(chores, { now, signal: AbortSignal.timeout(LIMIT_MS), isDryRun: true }, log)
    return {
      at: now.toISOString(),
      complete: told.length === Object.keys(chores).length,
      linksSeconds: config.urls.ttlMs / 1000,
      executionsSeconds: config.logs.ageMs / 1000,
      jobLogsSeconds: config.jobs.logsMs / 1000,
      chores: told,
    }
  })
}
