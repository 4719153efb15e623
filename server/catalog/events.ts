/** Events: made, listed, found, changed and deleted. */

import {
  EVENT_LEVELS,
  type Event,
  type EventPatch,
  type EventPost,
  type EventSource,
} from '../../contract/application-events.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { givenFilter } from '../ground/glob.ts'
import { newId } from '../ground/ids.ts'
import { parseMoment } from '../ground/moments.ts'
import { readQuery } from '../query/parse.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { type Changed, changeEvent, type EventChange, type EventDevice } from './event-change.ts'
import { type EventChoice, eventCondition } from './event-query.ts'
import { EVENT_COLUMNS, type EventRow, toEvent } from './event-record.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/** Of `data` as JSON: 64 KiB, as much as one text of a device's state may have. */
const MAX_DATA_LENGTH = 65_536

/** @throws invalid for a device that is none of the application's, a time that is none, data that is too large */
export async function createEvent(
  db: Queryable,
  applicationId: string,
  post: EventPost,
  source: EventSource,
  now: Date,
): Promise<Event> {
  checkData(post.data)
  const createdAt = post.creationDate === undefined ? now : parseMoment(post.creationDate, now)
  if (!createdAt) throw invalid('event.creationDate must be a time: ISO 8601, or milliseconds since 1970')
  const device = post.deviceId ? await findDevice(db, applicationId, post.deviceId, 'event.deviceId') : undefined
  const [row] = await db.query<EventRow>(
    `insert into events (id, application_id, created_at, updated_at, source_type, source_id, source_name, level, state,
       subject, message, data, device_id, device_name, track_tags, tags)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14, $15, $16) returning ${EVENT_COLUMNS}`,
    [
      newId(now),
      applicationId,
      createdAt,
      now,
      source.sourceType,
      source.sourceId,
      source.sourceName,
      post.level,
      post.state ?? 'new',
      post.subject,
      post.message ?? null,
      post.data === undefined ? null : JSON.stringify(post.data),
      device?.id ?? null,
      device?.name ?? null,
      !post.disableTagChangeTracking,
      JSON.stringify(post.eventTags ?? {}),
    ],
  )
  if (!row) throw new Error('the insert gave no row')
  return toEvent(row)
}

/** From the least to the most severe, so that sorting by level means something. */
const SEVERITY = `array_position(array[${EVENT_LEVELS.map((level) => `'${level}'`)}], events.level)`

const SORT = {
  creationDate: 'created_at',
  id: 'id',
  lastUpdated: 'updated_at',
  subject: 'subject',
  level: SEVERITY,
  state: 'state',
  deviceId: 'device_id',
}

/** A page of the events of an application, the newest first unless asked otherwise. @throws invalid for a faulty query */
export async function listEvents(
  db: Queryable,
  applicationId: string,
  query: Omit<ListQuery, 'filterField'> & EventChoice & { filterField?: string },
): Promise<Page<Event> & { state?: string; query?: unknown }> {
  const values: unknown[] = []
  const condition = eventCondition(applicationId, query, values)
  const { filter, filterField: _, query: __, state, ...list } = query
  const source = {
    from: `(select ${EVENT_COLUMNS} from events where ${condition}) as events where true`,
    values,
    sort: SORT,
    defaultSort: 'creationDate',
    // Only an event may be without a device; null or not, the others can be read from an index.
    hasNulls: list.sortField === 'deviceId',
  }
  const page = await listPage(db, source, { ...list, sortDirection: list.sortDirection ?? 'desc' }, toEvent)
  const asked = readQuery(query.query, 'query')
  if (asked !== undefined) return { ...page, query: asked }
  return {
    ...page,
    ...(givenFilter(filter) !== undefined ? { filter, filterField: 'subject' } : {}),
    ...(state ? { state } : {}),
  }
}

/** @throws notFound, for a foreign one as well */
export async function getEvent(db: Queryable, applicationId: string, id: string): Promise<Event> {
  const row = await db.one<EventRow>(`select ${EVENT_COLUMNS} from events where id = $1 and application_id = $2`, [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Event')
  return toEvent(row)
}

/** Changes an event and adds to its history. @throws notFound, invalid as for creating */
export async function patchEvent(
  db: Pick<Database, 'transaction'>,
  applicationId: string,
  id: string,
  patch: EventPatch,
  source: EventSource,
  now: Date,
): Promise<Event> {
  return db.transaction(async (tx) => {
    const change = await readChange(tx, applicationId, patch, 'event')
    const row = await tx.one<EventRow>(
      `select ${EVENT_COLUMNS} from events where id = $1 and application_id = $2 for update`,
      [id, applicationId],
    )
    if (!row) throw notFound('Event')
    const changed = changeEvent(row, change, source, now)
    if (!changed) return toEvent(row)
    await writeEvents(tx, [{ id, ...changed }], now, null)
    return toEvent({ ...row, ...changed, updated_at: now })
  })
}

/** A patch that can be applied to any event of the application. @throws invalid with `name` as the root of its paths */
export async function readChange(
  db: Queryable,
  applicationId: string,
  { deviceId, ...patch }: EventPatch,
  name: string,
): Promise<EventChange> {
  checkData(patch.data, name)
  if (!deviceId) return { ...patch, device: deviceId === null ? null : undefined }
  return { ...patch, device: await findDevice(db, applicationId, deviceId, `${name}.deviceId`) }
}

/** Writes what changes have made of events, in one statement; `jobId` marks them as done by it. */
export async function writeEvents(
  db: Queryable,
  events: readonly (Changed & { readonly id: string })[],
  now: Date,
  jobId: string | null,
): Promise<void> {
  await db.query(
    `update events set level = new.level, state = new.state, subject = new.subject, device_id = new.device_id,
       device_name = new.device_name, tags = new.tags, updates = new.updates, updated_at = $2, changed_by_job = $3
     from jsonb_to_recordset($1::jsonb) as new (id text, level text, state text, subject text, device_id text,
       device_name text, tags jsonb, updates jsonb)
     where events.id = new.id`,
    [JSON.stringify(events), now, jobId],
  )
}

/** @throws notFound */
export async function deleteEvent(db: Queryable, applicationId: string, id: string): Promise<void> {
  const row = await db.one('delete from events where id = $1 and application_id = $2 returning id', [id, applicationId])
  if (!row) throw notFound('Event')
}

/** The newest of the most severe events in state new, and how many are new. @throws invalid for a faulty query */
export async function mostRecentBySeverity(
  db: Queryable,
  applicationId: string,
  choice: Pick<EventChoice, 'query' | 'filter'>,
): Promise<{ event?: Event; newCount: number }> {
  const values: unknown[] = []
  const isNew = `${eventCondition(applicationId, choice, values)} and events.state = 'new'`
  const counted = await db.one<{ count: number }>(`select count(*)::int as count from events where ${isNew}`, values)
  const row = await db.one<EventRow>(
    `select ${EVENT_COLUMNS} from events where ${isNew} order by ${SEVERITY} desc, created_at desc, id desc limit 1`,
    values,
  )
  return { ...(row ? { event: toEvent(row) } : {}), newCount: counted?.count ?? 0 }
}

function checkData(data: unknown, name = 'event'): void {
  if (data !== undefined && JSON.stringify(data).length > MAX_DATA_LENGTH)
    throw invalid(`${name}.data must have at most ${MAX_DATA_LENGTH} characters as JSON`)
}

async function findDevice(db: Queryable, applicationId: string, id: string, field: string): Promise<EventDevice> {
  const row = await db.one<EventDevice>(
    'select id, name from devices where id = $1 and application_id = $2 and deleted_at is null',
    [id.toLowerCase(), applicationId],
  )
  if (!row) throw invalid(`${field} must be the id of a device of this application`)
  return row
}
