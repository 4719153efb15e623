/** Events as a file, for notebooks and for people: a line of CSV or a JSON object for each event, the oldest first. */

import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Event } from '../../contract/application-events.ts'
import { csvLine } from '../ground/csv.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { eventCondition } from './event-query.ts'
import { EVENT_COLUMNS, type EventRow, toEvent } from './event-record.ts'

export type EventFormat = 'csv' | 'json'

export interface EventExportOptions {
  /** Whether the history of each event goes along: in CSV not unless asked for, in JSON unless refused. */
  readonly updates?: boolean
  /** Where messages say that a faulty query stands; `query` unless given. */
  readonly path?: string
  readonly progress?: (completed: number) => void
}

/** What a batch held in memory is to have at most; one event has up to 64 KB of data and 256 KB of history. */
const BATCH_BYTES = 4_000_000
const FIRST_BATCH = 20
const LARGEST_BATCH = 2000

/**
 * Writes the events of an application that a query chooses (undefined is all of them) as they are at one moment, ordered
 * by creationDate and id. CSV has a column `eventTags.<key>` for each tag key that any of them has, in the order of their
 * code points, and data as JSON. Without events it is the header, or `[]`. Gives how many there were.
 * @throws invalid naming a fault of the query
 */
export async function exportEvents(
  db: Database,
  applicationId: string,
  query: unknown,
  format: EventFormat,
  file: string,
  signal: AbortSignal,
  options: EventExportOptions = {},
): Promise<number> {
  const values: unknown[] = []
  const chosen = eventCondition(applicationId, { query }, values, options.path)
  const withUpdates = options.updates ?? format === 'json'
  let count = 0
  await db.transaction(
    async (tx) => {
      const batches = readInBatches(tx, chosen, values, (read) => {
        count += read
        options.progress?.(count)
      })
      const text =
        format === 'json'
          ? asJson(batches, withUpdates)
          : asCsv(await tagKeys(tx, chosen, values), batches, withUpdates)
      await pipeline(text, createWriteStream(file), { signal })
    },
    { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: 0 },
  )
  return count
}

async function* readInBatches(
  tx: Queryable,
  chosen: string,
  values: readonly unknown[],
  onRead: (count: number) => void,
): AsyncGenerator<Event[]> {
  await tx.query(
    `declare chosen no scroll cursor for select ${EVENT_COLUMNS} from events where ${chosen} order by created_at, id`,
    values,
  )
  let size = FIRST_BATCH
  for (;;) {
    const rows = await tx.query<EventRow>(`fetch ${size} from chosen`)
    onRead(rows.length)
    if (rows.length > 0) yield rows.map(toEvent)
    if (rows.length < size) return
    const fitting = (BATCH_BYTES / rows.reduce((sum, row) => sum + weightOf(row), 0)) * size
    size = Math.max(1, Math.min(Math.floor(fitting), 4 * size, LARGEST_BATCH))
  }
}

/** About how many bytes an event takes. */
const weightOf = ({ message, data, updates }: EventRow) =>
  1000 + (message?.length ?? 0) + (data?.length ?? 0) + (updates.length > 0 ? JSON.stringify(updates).length : 0)

async function tagKeys(tx: Queryable, chosen: string, values: readonly unknown[]): Promise<string[]> {
  const rows = await tx.query<{ key: string }>(
    `select distinct tag.key collate "C" as key from events, jsonb_object_keys(tags) as tag (key)
     where ${chosen} order by 1`,
    values,
  )
  return rows.map(({ key }) => key)
}

const COLUMNS = [
  'id',
  'creationDate',
  'lastUpdated',
  'level',
  'state',
  'subject',
  'message',
  'sourceType',
  'sourceId',
  'sourceName',
  'deviceId',
  'deviceName',
] as const

async function* asCsv(
  keys: readonly string[],
  batches: AsyncIterable<Event[]>,
  withUpdates: boolean,
): AsyncGenerator<string> {
  const tags = keys.map((key) => `eventTags.${key}`)
  yield csvLine([...COLUMNS, 'data', ...tags, ...(withUpdates ? ['updates'] : [])])
  for await (const events of batches) {
    yield events
      .map((event) =>
        csvLine([
          ...COLUMNS.map((column) => event[column]),
          JSON.stringify(event.data),
          ...keys.map((key) => (Object.hasOwn(event.eventTags, key) ? event.eventTags[key] : undefined)),
          ...(withUpdates ? [JSON.stringify(event.updates)] : []),
        ]),
      )
      .join('')
  }
}

async function* asJson(batches: AsyncIterable<Event[]>, withUpdates: boolean): AsyncGenerator<string> {
  let separator = '['
  for await (const events of batches) {
    const shown = events.map(({ updates, ...event }) => JSON.stringify(withUpdates ? { ...event, updates } : event))
    yield separator + shown.join(',\n')
    separator = ',\n'
  }
  yield separator === '[' ? '[]\n' : ']\n'
}
