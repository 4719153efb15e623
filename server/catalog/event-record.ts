/** Rows of events and the events they stand for. */

import type {
  Event,
  EventLevel,
  EventSource,
  EventState,
  EventTags,
  EventUpdate,
} from '../../contract/application-events.ts'
import type { Actor } from '../access/callers.ts'
import type { Queryable } from '../stores/postgres/database.ts'

export interface EventRow {
  id: string
  application_id: string
  created_at: Date
  updated_at: Date
  source_type: EventSource['sourceType']
  source_id: string
  source_name: string
  level: EventLevel
  state: EventState
  subject: string
  message: string | null
  /** As JSON text: null for no data, 'null' for a null. */
  data: string | null
  device_id: string | null
  device_name: string | null
  track_tags: boolean
  tags: EventTags
  updates: EventUpdate[]
}

/** What to select: `data` as text, because a driver makes one null of SQL's and JSON's. */
export const EVENT_COLUMNS = `id, application_id, created_at, updated_at, source_type, source_id, source_name, level, state,
  subject, message, data::text as data, device_id, device_name, track_tags, tags, updates`

export const toEvent = (row: EventRow): Event => ({
  id: row.id,
  eventId: row.id,
  applicationId: row.application_id,
  creationDate: row.created_at.toISOString(),
  lastUpdated: row.updated_at.toISOString(),
  sourceType: row.source_type,
  sourceId: row.source_id,
  sourceName: row.source_name,
  level: row.level,
  state: row.state,
  subject: row.subject,
  ...(row.message === null ? {} : { message: row.message }),
  ...(row.data === null ? {} : { data: JSON.parse(row.data) }),
  ...(row.device_id === null ? {} : { deviceId: row.device_id }),
  ...(row.device_name === null ? {} : { deviceName: row.device_name }),
  disableTagChangeTracking: !row.track_tags,
  eventTags: row.tags,
  updates: row.updates,
})

/** Who did something as the source of events and of changes to them, under the name they go by. */
export async function sourceOf(db: Queryable, { type, id }: Actor): Promise<EventSource> {
  const row = await db.one<{ name: string }>(NAME_OF[type], [id])
  return { sourceType: type, sourceId: id, sourceName: (row?.name ?? id).slice(0, 255) }
}

const NAME_OF: Record<Actor['type'], string> = {
  user: 'select email as name from users where id = $1',
  apiToken: 'select name from api_tokens where id = $1',
  device: 'select name from devices where id = $1',
}
