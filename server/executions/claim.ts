/** Taking an execution from the queue: the one whose turn it is, of an application that may have one more running. */

import type { InstallationLimits } from '../../contract/limits.ts'
import { holdStarts } from '../catalog/application-limits.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { UNFINISHED } from './lifecycle.ts'
import { type Execution, type ExecutionRow, toExecution } from './record.ts'

/** How many executions may run at the same time; a zero is no limit. */
export interface Parallel {
  /** Of one application that has no lower limit of its own. */
  readonly ofApplication: number
  readonly ofAll: number
}

/** The part of an installation's limits that claims heed. */
export const parallelOf = ({ parallelExecutions, total }: InstallationLimits): Parallel => ({
  ofApplication: parallelExecutions,
  ofAll: total.parallelExecutions,
})

const NO_LIMIT: Parallel = { ofApplication: 0, ofAll: 0 }

type Claimed = { isLimited: boolean } & (ExecutionRow | { id: null })

/**
 * Takes the execution that has waited longest among those of the applications with the fewest running, or undefined
 * when none waits that may run: a tenant that queues thousands delays another one's first run by one slot at most, and
 * one that has as many running as it may delays nobody. Sorting 10,000 waiting rows costs about 10 ms a claim. Windows
 * of a backfill wait for everything else of their application.
 */
export async function claimExecution(
  db: Database,
  workerId: string,
  leaseMs: number,
  parallel: Parallel = NO_LIMIT,
): Promise<Execution | undefined> {
  if (parallel.ofApplication === 0 && parallel.ofAll === 0) {
    const [row] = await claim(db, workerId, leaseMs, parallel, false)
    if (!row) return undefined
    if (row.id !== null) return toExecution(row)
  }
  // There is a limit: what runs has to be counted while nobody else starts something.
  return db.transaction(async (tx) => {
    await holdStarts(tx)
    const [held] = await claim(tx, workerId, leaseMs, parallel, true)
    return held && held.id !== null ? toExecution(held) : undefined
  })
}

/**
 * What an application may have running: its own limit, the installation's, or the lower one of both. Whatever number is
 * stored, it is none that this statement fails with: all applications are claimed for by it.
 */
const ALLOWED = `least(nullif($3, 0), least((applications.limits->>'parallelExecutions')::numeric, 2147483647)::int)`

/**
 * Executions of a schedule run one after another, in the order they were planned in. That an earlier one has not ended is
 * seen whatever becomes of it meanwhile, so two workers can't both take one.
 */
const ITS_TURN = `(waiting.schedule_id is null or not exists (
  select from executions earlier where earlier.schedule_id = waiting.schedule_id
    and earlier.planned_for < waiting.planned_for and earlier.status in ${UNFINISHED}))`

/**
 * One statement. What it picks of an application with a limit it takes only when starts are held (`$5`); otherwise it
 * tells that there is such a one.
 */
const claim = (db: Queryable, workerId: string, leaseMs: number, parallel: Parallel, isHeld: boolean) =>
  db.query<Claimed>(
    `with busy as (
       select application_id, count(*) as running from executions where status in ('inProgress', 'canceling')
       group by application_id
     ), next as (
       select waiting.id, ${ALLOWED} is not null or $4 > 0 as "isLimited" from executions waiting
       join applications on applications.id = waiting.application_id
       left join busy using (application_id)
       where waiting.status = 'queued' and ${ITS_TURN}
         and (${ALLOWED} is null or coalesce(busy.running, 0) < ${ALLOWED})
         and ($4 = 0 or (select coalesce(sum(running), 0) from busy) < $4)
       order by coalesce(busy.running, 0), waiting.backfill_id is not null, waiting.queued_at, waiting.id
       for update of waiting skip locked limit 1
     ), claimed as (
       update executions set status = 'inProgress', attempt = attempt + 1, worker_id = $1,
         lease_until = now() + $2 * interval '1 millisecond', started_at = clock_timestamp(),
         inputs_completed_at = null, notebook_completed_at = null, phase = 'inputs', cell = 0, cells = 0,
         input_info = '{}'
       from next where executions.id = next.id and ($5 or not next."isLimited")
       returning executions.*
     )
     select claimed.*, next."isLimited" from next left join claimed on true`,
    [workerId, leaseMs, parallel.ofApplication, parallel.ofAll, isHeld],
  )
