/** Whether one more execution may be queued, decided under a lock: of two requests at once only one takes the last place. */

import type { AllLimits, ApplicationLimits, InstallationLimits } from '../../contract/limits.ts'
import { factsOf, holdPlaces, limitReached, ownerOf, type Reached } from '../catalog/application-limits.ts'
import { effectiveLimits } from '../catalog/limits.ts'
import { limited, notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { UNFINISHED } from './lifecycle.ts'
import { MINUTES, THIS_PERIOD } from './usage.ts'

/** When to try again after a full queue: it moves with every execution that starts. */
const QUEUE_RETRY_SECONDS = 5

/** The first moment of the next UTC month, when minutes begin anew. */
export const periodEnd = (now: Date) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1))

/**
 * Minutes of the month that `$2` is in, of application `$1` or of all. An execution that has not ended counts for a
 * minute at least, because it will use that: so the last minute is given once.
 */
const minutes = (
  whose: string,
) => `((select coalesce(sum(minutes), 0) from notebook_minutes where ${whose} and ${THIS_PERIOD})
  + (select coalesce(sum(greatest(1, ${MINUTES})), 0) from executions
     where ${whose} and status in ${UNFINISHED}))::int`
const waiting = (whose: string) => `(select count(*)::int from executions where status = 'queued' and ${whose})`
const OWN = 'application_id = $1'

interface Standing {
  limits: ApplicationLimits
  queued: number
  all_queued: number
  minutes: number
  all_minutes: number
}

/**
 * Makes sure that so many more executions of a notebook may be queued in this transaction, and gives the limits of their
 * application. All of them may, or none. @throws limited when too many wait, or the minutes of the month are used up; notFound
 */
export async function requirePlace(
  tx: Queryable,
  { applicationId, notebookId }: { readonly applicationId: string; readonly notebookId: string },
  installation: InstallationLimits,
  now: Date,
  wanted = 1,
): Promise<AllLimits> {
  const { total } = installation
  // The notebook first: who waits for one that is being deleted must not keep others from queuing meanwhile.
  if (!(await tx.one('select id from notebooks where id = $1 for key share', [notebookId]))) throw notFound('Notebook')
  await holdPlaces(tx, 'queuedExecutions', applicationId, total.queuedExecutions + total.minutesPerMonth)
  // What has no limit is not counted.
  const row = await tx.one<Standing>(
    `select limits, ${waiting(OWN)} as queued,
       case when $3 > 0 then ${waiting('true')} else 0 end as all_queued,
       case when $4 > 0 or limits ? 'minutesPerMonth' then ${minutes(OWN)} else 0 end as minutes,
       case when $5 > 0 then ${minutes('true')} else 0 end as all_minutes
     from applications where id = $1`,
    [applicationId, now, total.queuedExecutions, installation.minutesPerMonth, total.minutesPerMonth],
  )
  if (!row) throw notFound('Application')
  const limits = effectiveLimits(row.limits, installation)
  const spent = { ofApplication: row.minutes, ofAll: row.all_minutes }
  const used = limitReached('minutesPerMonth', spent, limits, installation, wanted)
  if (used) throw minutesUsedUp(used, now)
  const queued = { ofApplication: row.queued, ofAll: row.all_queued }
  const queue = limitReached('queuedExecutions', queued, limits, installation, wanted)
  if (queue) throw queueFull(queue, wanted)
  return limits
}

function minutesUsedUp(reached: Reached, now: Date) {
  const resetsAt = periodEnd(now)
  return limited(
    `The notebooks of ${ownerOf(reached)} have used ${reached.used} of the ${reached.allowed} minutes they may run in a month (${reached.setBy}); minutes begin anew at ${resetsAt.toISOString()}`,
    { ...factsOf(reached), resetsAt },
    Math.ceil((resetsAt.getTime() - now.getTime()) / 1000),
  )
}

function queueFull(reached: Reached, wanted: number) {
  const more = wanted > 1 ? ` and ${wanted} more are asked for` : ''
  return limited(
    `${reached.used} executions of ${ownerOf(reached)} wait already${more}, and at most ${reached.allowed} may (${reached.setBy}); try again when some have started`,
    factsOf(reached),
    QUEUE_RETRY_SECONDS,
  )
}

export interface ApplicationUsage {
  readonly notebooks: number
  readonly minutesThisMonth: number
  readonly runningExecutions: number
  readonly queuedExecutions: number
}

/** How much of what is limited an application uses at the moment. */
export async function readApplicationUsage(db: Queryable, applicationId: string, now: Date): Promise<ApplicationUsage> {
  const row = await db.one<ApplicationUsage>(
    `select (select count(*)::int from notebooks where ${OWN}) as notebooks,
       ${minutes(OWN)} as "minutesThisMonth", ${waiting(OWN)} as "queuedExecutions",
       (select count(*)::int from executions where ${OWN} and status in ('inProgress', 'canceling')) as "runningExecutions"`,
    [applicationId, now],
  )
  if (!row) throw new Error('the counts gave no row')
  return row
}
