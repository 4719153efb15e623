/** Changing and deleting many events: in batches, each a transaction, so that nobody waits long for one. */

import type { EventSource } from '../../contract/application-events.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { changeEvent, type EventChange } from './event-change.ts'
import { type EventChoice, eventCondition } from './event-query.ts'
import { EVENT_COLUMNS, type EventRow } from './event-record.ts'
import { writeEvents } from './events.ts'

const BATCH = 500

/** What a bulk operation is about. */
export interface ChosenEvents {
  readonly applicationId: string
  readonly choice: EventChoice
  /** Where messages say that a faulty query stands; `query` unless given. */
  readonly path?: string
}

/** Called after each batch with how many are done; may throw to stop before the next. */
export type Progress = (completed: number) => void

/** How many events are chosen, `most + 1` for more than that. @throws invalid for a faulty query */
export async function countEvents(db: Queryable, chosen: ChosenEvents, most: number): Promise<number> {
  const values: unknown[] = []
  const condition = eventCondition(chosen.applicationId, chosen.choice, values, chosen.path)
  const row = await db.one<{ count: number }>(
    `select count(*)::int as count from (select from events where ${condition} limit ${most + 1}) as chosen`,
    values,
  )
  return row?.count ?? 0
}

export interface BulkChange {
  readonly change: EventChange
  readonly source: EventSource
  /** What is made later is not meant. */
  readonly before: Date
  /** The job that changes them; done twice, it passes over what it has done. */
  readonly jobId?: string
}

/** Changes the chosen events and gives how many it was that are different now. */
export async function updateEvents(
  db: Pick<Database, 'transaction'>,
  chosen: ChosenEvents,
  { change, source, before, jobId }: BulkChange,
  progress: Progress = () => {},
): Promise<number> {
  let [after, count, updated] = ['', 0, 0]
  for (;;) {
    const batch = await db.transaction(async (tx) => {
      const rows = await lockBatch(tx, chosen, { after, before, ...(jobId ? { jobId } : {}) })
      const changed = rows.flatMap((row) => {
        const made = changeEvent(row, change, source, before)
        return made ? [{ id: row.id, ...made }] : []
      })
      if (changed.length > 0) await writeEvents(tx, changed, before, jobId ?? null)
      updated += changed.length
      return rows
    })
    count += batch.length
    progress(count)
    after = batch.at(-1)?.id ?? ''
    if (batch.length < BATCH) return updated
  }
}

/** The next events by id. Ids begin with the second they were made in, which leaves out what came after the request. */
function lockBatch(
  tx: Queryable,
  { applicationId, choice, path }: ChosenEvents,
  { after, before, jobId }: { after: string; before: Date; jobId?: string },
): Promise<EventRow[]> {
  const values: unknown[] = []
  const terms = [
    eventCondition(applicationId, choice, values, path),
    `events.id > $${values.push(after)}`,
    `events.id < $${values.push(firstIdAfter(before))}`,
  ]
  if (jobId) terms.push(`events.changed_by_job is distinct from $${values.push(jobId)}`)
  return tx.query(
    `select ${EVENT_COLUMNS} from events where ${terms.join(' and ')} order by events.id limit ${BATCH} for update`,
    values,
  )
}

/** Deletes the chosen events that were there at `before`, and gives how many there were. */
export async function deleteEvents(
  db: Queryable,
  chosen: ChosenEvents,
  before: Date,
  progress: Progress = () => {},
): Promise<number> {
  let removed = 0
  for (;;) {
    const values: unknown[] = []
    const condition = eventCondition(chosen.applicationId, chosen.choice, values, chosen.path)
    const rows = await db.query(
      `delete from events where id = any (array(
         select id from events where ${condition} and events.id < $${values.push(firstIdAfter(before))} limit ${BATCH}
       )) returning id`,
      values,
    )
    removed += rows.length
    progress(removed)
    if (rows.length === 0) return removed
  }
}

/** No id that was made in the second of `at` or before is as large. */
const firstIdAfter = (at: Date) => (Math.floor(at.getTime() / 1000) + 1).toString(16).padStart(8, '0').padEnd(24, '0')
