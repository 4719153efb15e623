/** The schedules of notebooks: their rows, and what of them can be refused. */

import type { CatchUp, Overlap, Schedule, SchedulePatch, SchedulePost } from '../../../contract/schedules.ts'
import { type ListQuery, listPage, type Page } from '../../catalog/listing.ts'
import type { StoredNotebook } from '../../catalog/notebooks.ts'
import { invalid, notFound } from '../../ground/errors.ts'
import { newId } from '../../ground/ids.ts'
import { toldOf } from '../../jobs/told.ts'
import type { Database, Queryable } from '../../stores/postgres/database.ts'
import { requireContext } from '../options.ts'
import type { Tells } from '../record.ts'
import { nextTimes, requireTimes, type Times, timesOf } from './times.ts'

/** Notified when a schedule was made or changed, so that whoever waits for the next planned time looks anew. */
export const SCHEDULED = 'fieldbook_scheduled'

const MAX_PER_NOTEBOOK = 100
const PREVIEW = 5

export interface StoredSchedule {
  id: string
  application_id: string
  notebook_id: string
  name: string | null
  cron: string
  time_zone: string
  enabled: boolean
  catch_up: CatchUp
  catch_up_limit: number
  overlap: Overlap
  template_context: string | null
  tells: Tells
  next_run_at: Date | null
  last_run: Schedule['lastRun'] | null
  last_missed: Schedule['lastMissed'] | null
  last_skipped: Schedule['lastSkipped'] | null
  last_error: Schedule['lastError'] | null
  created_at: Date
  updated_at: Date
}

/** What makes up a schedule, with everything that was left out filled in. */
type Settings = Required<Omit<SchedulePost, Spare>> & { readonly [K in Spare]?: string | undefined }
type Spare = 'name' | 'templateContext' | 'email' | 'callbackUrl'

/** What a schedule gets that says nothing else. Executions that catch up come one after another, so they are queued. */
const withDefaults = (post: SchedulePost): Settings => ({
  timeZone: 'UTC',
  enabled: true,
  catchUp: 'last',
  catchUpLimit: 10,
  overlap: post.catchUp === 'all' ? 'queue' : 'skip',
  ...post,
})

/** @throws invalid as `requireSchedule` says, or when the notebook has as many as it may have */
export async function createSchedule(
  db: Database,
  notebook: Pick<StoredNotebook, 'id' | 'applicationId'>,
  post: SchedulePost,
  now: Date,
  baseUrl?: string,
): Promise<StoredSchedule> {
  const wanted = withDefaults(post)
  const times = requireSchedule(wanted, now)
  return db.transaction(async (tx) => {
    // Held, so that two at once do not both become the hundredth.
    await tx.query('select from notebooks where id = $1 for no key update', [notebook.id])
    const known = await tx.query('select from schedules where notebook_id = $1', [notebook.id])
    if (known.length >= MAX_PER_NOTEBOOK) {
      throw invalid(`The notebook has ${MAX_PER_NOTEBOOK} schedules already, and may have no more`)
    }
    const [row] = await tx.query<StoredSchedule>(
      `with made as (
         insert into schedules (id, application_id, notebook_id, name, cron, time_zone, enabled, catch_up,
           catch_up_limit, overlap, template_context, next_run_at, tells)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14) returning *
       ) select made.*, pg_notify($13, '') from made`,
      [
        newId(now),
        notebook.applicationId,
        notebook.id,
        ...valuesOf(wanted),
        wanted.enabled ? (times.after(now) ?? null) : null,
        SCHEDULED,
        tellsOf(wanted, baseUrl),
      ],
    )
    if (!row) throw new Error('the insert gave no row')
    return row
  })
}

/** The schedules of a notebook. */
export async function listSchedules(
  db: Queryable,
  notebookId: string,
  query: ListQuery,
): Promise<Page<StoredSchedule>> {
  const source = {
    from: 'schedules where notebook_id = $1',
    values: [notebookId],
    sort: { name: 'name', id: 'id', creationDate: 'created_at', lastUpdated: 'updated_at', nextRun: 'next_run_at' },
    defaultSort: 'name',
  }
  return listPage(db, source, query, (row: StoredSchedule) => row)
}

/** @throws notFound */
export async function getSchedule(db: Queryable, notebookId: string, id: string, lock = ''): Promise<StoredSchedule> {
  const row = await db.one<StoredSchedule>(`select * from schedules where id = $1 and notebook_id = $2 ${lock}`, [
    id,
    notebookId,
  ])
  if (!row) throw notFound('Schedule')
  return row
}

/**
 * Changes what is given, leaves the rest. With another expression or time zone, or when it is enabled, it counts from
 * now on: times that passed before are not caught up.
 * @throws notFound, invalid as `requireSchedule` says
 */
export async function patchSchedule(
  db: Database,
  notebookId: string,
  id: string,
  patch: SchedulePatch,
  now: Date,
  baseUrl?: string,
): Promise<StoredSchedule> {
  return db.transaction(async (tx) => {
    const known = await getSchedule(tx, notebookId, id, 'for update')
    const wanted: Settings = { ...settingsOf(known), ...patch }
    const times = requireSchedule(wanted, now)
    const isAnew = wanted.cron !== known.cron || wanted.timeZone !== known.time_zone || wanted.enabled !== known.enabled
    // Never before a planned time that was run: a clock that was set back must not have it run twice.
    const ran = known.last_run ? Date.parse(known.last_run.plannedFor) : 0
    const next = wanted.enabled ? (times.after(new Date(Math.max(now.getTime(), ran))) ?? null) : null
    const [row] = await tx.query<StoredSchedule>(
      `with changed as (
         update schedules set name = $2, cron = $3, time_zone = $4, enabled = $5, catch_up = $6, catch_up_limit = $7,
           overlap = $8, template_context = $9, next_run_at = $10, tells = $12, updated_at = now()
         where id = $1 returning *
       ) select changed.*, pg_notify($11, '') from changed`,
      [id, ...valuesOf(wanted), isAnew ? next : known.next_run_at, SCHEDULED, tellsOf(wanted, baseUrl)],
    )
    if (!row) throw notFound('Schedule')
    return row
  })
}

/** @throws notFound */
export async function deleteSchedule(db: Queryable, notebookId: string, id: string): Promise<void> {
  const rows = await db.query('delete from schedules where id = $1 and notebook_id = $2 returning id', [id, notebookId])
  if (rows.length === 0) throw notFound('Schedule')
}

const settingsOf = (row: StoredSchedule): Settings => ({
  name: row.name ?? undefined,
  cron: row.cron,
  timeZone: row.time_zone,
  enabled: row.enabled,
  catchUp: row.catch_up,
  catchUpLimit: row.catch_up_limit,
  overlap: row.overlap,
  templateContext: row.template_context ?? undefined,
  email: row.tells.email,
  callbackUrl: row.tells.callbackUrl,
})

/** In the order of the columns, name to template_context. */
const valuesOf = (wanted: Settings) => [
  wanted.name ?? null,
  wanted.cron,
  wanted.timeZone,
  wanted.enabled,
  wanted.catchUp,
  wanted.catchUpLimit,
  wanted.overlap,
  wanted.templateContext || null,
]

/** Links of what is told start where whoever said so reached the service. */
const tellsOf = (settings: Settings, baseUrl: string | undefined): Tells => ({
  ...toldOf(settings),
  ...(baseUrl ? { baseUrl } : {}),
})

/** @throws invalid when its times make no sense or are years away, its context is no JSON, or it would catch up what it skips */
function requireSchedule(wanted: Settings, now: Date): Times {
  requireContext(wanted.templateContext, 'schedule')
  if (wanted.catchUp === 'all' && wanted.overlap === 'skip') {
    throw invalid(
      'schedule.catchUp "all" needs schedule.overlap "queue": of several at once, all but one would be skipped',
    )
  }
  return requireTimes(wanted.cron, wanted.timeZone, now)
}

/** A schedule as the API shows it. */
export function toSchedule(row: StoredSchedule): Schedule {
  const { name, templateContext, email, callbackUrl, ...settings } = settingsOf(row)
  const next = row.next_run_at
  return {
    id: row.id,
    scheduleId: row.id,
    notebookId: row.notebook_id,
    applicationId: row.application_id,
    creationDate: row.created_at.toISOString(),
    lastUpdated: row.updated_at.toISOString(),
    ...(name === undefined ? {} : { name }),
    ...settings,
    ...(templateContext === undefined ? {} : { templateContext }),
    ...(email === undefined ? {} : { email }),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    nextRuns: next ? previewOf(row, next).map((at) => at.toISOString()) : [],
    ...(row.last_run ? { lastRun: row.last_run } : {}),
    ...(row.last_missed ? { lastMissed: row.last_missed } : {}),
    ...(row.last_skipped ? { lastSkipped: row.last_skipped } : {}),
    ...(row.last_error ? { lastError: row.last_error } : {}),
  }
}

const previewOf = (row: StoredSchedule, next: Date) => [
  next,
  ...nextTimes(timesOf(row.cron, row.time_zone), next, PREVIEW - 1),
]
