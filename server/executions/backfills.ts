/**
 * Backfills: one notebook, as it is when that is asked for, over many windows of time. All executions are queued at once and
 * wait for everything else of their application; each has the end of its window as its query time.
 */

import type { Backfill, BackfillDetails, BackfillPost } from '../../contract/backfills.ts'
import type { InstallationLimits } from '../../contract/limits.ts'
import { type ListQuery, listPage, type Page } from '../catalog/listing.ts'
import type { StoredNotebook } from '../catalog/notebooks.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { parseMoment } from '../ground/moments.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { requireContext } from './options.ts'
import { requirePlace } from './places.ts'
import { queueExecutions } from './queue.ts'
import { executionOf, type Requester } from './request.ts'
import { cancelBackfillExecutions } from './store.ts'
import { windowEnds } from './windows.ts'

interface BackfillRow {
  id: string
  application_id: string
  notebook_id: string
  name: string | null
  start_at: Date
  end_at: Date
  window_length: string
  time_zone: string
  windows: number
  template_context: string | null
  source_type: Backfill['sourceType']
  source_id: string
  canceled_at: Date | null
  created_at: Date
}

const NONE: Backfill['counts'] = {
  queued: 0,
  inProgress: 0,
  canceling: 0,
  completed: 0,
  errored: 0,
  timeout: 0,
  canceled: 0,
}

function toBackfill(row: BackfillRow, counts = NONE): Backfill {
  const unfinished = counts.queued + counts.inProgress + counts.canceling
  return {
    id: row.id,
    backfillId: row.id,
    notebookId: row.notebook_id,
    applicationId: row.application_id,
    creationDate: row.created_at.toISOString(),
    ...(row.name === null ? {} : { name: row.name }),
    start: row.start_at.toISOString(),
    end: row.end_at.toISOString(),
    window: row.window_length,
    timeZone: row.time_zone,
    ...(row.template_context === null ? {} : { templateContext: row.template_context }),
    sourceType: row.source_type,
    sourceId: row.source_id,
    windows: row.windows,
    state: row.canceled_at ? 'canceled' : unfinished > 0 ? 'running' : 'ended',
    counts,
  }
}

/**
 * Queues an execution for every window, all or none.
 * @throws invalid when start or end is no time or the end is still to come, as `windowEnds` and `requestExecution` say; limited when so many may not wait
 */
export async function createBackfill(
  db: Database,
  notebook: StoredNotebook,
  post: BackfillPost,
  requester: Requester,
  installation: InstallationLimits,
  now: Date,
): Promise<Backfill> {
  const { name = null, window, timeZone = 'UTC', templateContext } = post
  requireContext(templateContext, 'backfill')
  const [start, end] = [parseMoment(post.start, now), parseMoment(post.end, now)]
  if (!start || !end)
    throw invalid(`backfill.${start ? 'end' : 'start'} must be a time: ISO 8601, or milliseconds since 1970`)
  if (end > now) throw invalid('backfill.end must not be in the future')
  const ends = await windowEnds(db, { start, end, window, timeZone })
  const id = newId(now)
  return db.transaction(async (tx) => {
    const allowed = await requirePlace(tx, { ...notebook, notebookId: notebook.id }, installation, now, ends.length)
    const shared = executionOf(notebook, templateContext, requester, allowed)
    const row = await tx.one<BackfillRow>(
      `insert into backfills (id, application_id, notebook_id, name, start_at, end_at, window_length, time_zone, windows,
         template_context, source_type, source_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning *`,
      [
        id,
        notebook.applicationId,
        notebook.id,
        name,
        start,
        end,
        window,
        timeZone,
        ends.length,
        templateContext ?? null,
        requester.sourceType,
        requester.sourceId,
      ],
    )
    if (!row) throw new Error('the insert gave no row')
    // Ids sort as they are made, and so windows run in the order of time.
    const executions = ends.map((relativeTo) => ({ id: newId(now), relativeTo }))
    await queueExecutions(tx, { ...shared, backfillId: id }, executions)
    return toBackfill(row, { ...NONE, queued: ends.length })
  })
}

/** The backfills of a notebook. */
export async function listBackfills(db: Queryable, notebookId: string, query: ListQuery): Promise<Page<Backfill>> {
  const page = await listPage(
    db,
    {
      from: 'backfills where notebook_id = $1',
      values: [notebookId],
      sort: { creationDate: 'created_at', id: 'id', name: 'name' },
      defaultSort: 'creationDate',
    },
    query,
    (row: BackfillRow) => row,
  )
  const countsOf = await readCounts(
    db,
    page.items.map(({ id }) => id),
  )
  return { ...page, items: page.items.map((row) => toBackfill(row, countsOf(row.id))) }
}

/** @throws notFound */
export async function getBackfill(db: Queryable, notebookId: string, id: string): Promise<BackfillDetails> {
  const row = await db.one<BackfillRow>('select * from backfills where id = $1 and notebook_id = $2', [id, notebookId])
  if (!row) throw notFound('Backfill')
  const executions = await db.query<{ id: string; relative_to: Date; status: keyof Backfill['counts'] }>(
    'select id, relative_to, status from executions where backfill_id = $1 order by relative_to',
    [id],
  )
  const counts = { ...NONE }
  for (const { status } of executions) counts[status] += 1
  return {
    ...toBackfill(row, counts),
    executions: executions.map((execution) => ({
      executionId: execution.id,
      relativeTo: execution.relative_to.toISOString(),
      status: execution.status,
    })),
  }
}

/** Cancels what has not ended, and gives how many these are; the others stay as they are. @throws notFound */
export async function cancelBackfill(db: Database, notebookId: string, id: string): Promise<number> {
  return db.transaction(async (tx) => {
    const row = await tx.one<{ id: string }>('select id from backfills where id = $1 and notebook_id = $2 for update', [
      id,
      notebookId,
    ])
    if (!row) throw notFound('Backfill')
    const canceled = await cancelBackfillExecutions(tx, id)
    if (canceled > 0)
      await tx.query('update backfills set canceled_at = coalesce(canceled_at, now()) where id = $1', [id])
    return canceled
  })
}

async function readCounts(db: Queryable, ids: readonly string[]): Promise<(id: string) => Backfill['counts']> {
  const rows = await db.query<{ backfill_id: string; status: keyof Backfill['counts']; count: number }>(
    `select backfill_id, status, count(*)::int as count from executions where backfill_id = any ($1)
     group by backfill_id, status`,
    [ids],
  )
  const known = new Map<string, Backfill['counts']>()
  for (const { backfill_id, status, count } of rows) {
    known.set(backfill_id, { ...(known.get(backfill_id) ?? NONE), [status]: count })
  }
  return (id) => known.get(id) ?? NONE
}
