/**
 * The hot table: states of devices in PostgreSQL, append-only, one row for each report. Reports of the same device and
 * millisecond are merged when read, attribute by attribute, the last write winning.
 */

import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import type { Database, Queryable, Transaction } from '../postgres/database.ts'
import type { StateValue, StoredState } from './states.ts'

/** Appends states; when it returns they are durable. */
export async function appendStates(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  states: readonly StoredState[],
): Promise<void> {
  if (states.length === 0) return
  // One JSON text: arrays of texts are escaped here and unescaped there, which doubled the time of 100 states.
  await db.query(
    `insert into hot_states (application_id, device_id, ts, doc)
     select $1, $2, (state -> 0)::bigint, state -> 1 from jsonb_array_elements($3::jsonb) as given (state)`,
    [applicationId, deviceId, JSON.stringify(states.map(({ ts, doc }) => [ts, doc]))],
  )
}

export interface StateRange {
  /** Epoch ms, inclusive; undefined is open. */
  readonly from: number | undefined
  /** Epoch ms, exclusive; undefined is open. */
  readonly to: number | undefined
  readonly newestFirst: boolean
  readonly limit: number
}

/** Merged states of one device, at most `limit` of them. */
export async function readStates(
  db: Queryable,
  deviceId: string,
  range: StateRange,
): Promise<{ ts: number; doc: Record<string, StateValue> }[]> {
  return db.query(
    `select ts, jsonb_merge(doc order by seq) as doc from hot_states
     where device_id = $1 and ($2::bigint is null or ts >= $2) and ($3::bigint is null or ts < $3)
     group by ts order by ts ${range.newestFirst ? 'desc' : 'asc'} limit $4`,
    [deviceId, range.from ?? null, range.to ?? null, range.limit],
  )
}

/** Forgets everything a device ever reported. */
export async function deleteStates(db: Queryable, deviceId: string): Promise<void> {
  await db.query('delete from hot_states where device_id = $1', [deviceId])
}

export interface StatesExport {
  readonly deviceIds: readonly string[]
  /** Attribute columns, in the order wanted. */
  readonly attributes: readonly string[]
  /** Epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
}

/**
 * Writes the states of devices as CSV: `ID,Timestamp,<attributes>`, rows by device id, then time. The rows go from
 * PostgreSQL to the file without becoming objects here. Holds a session of the pool meanwhile, which may be long: callers
 * bound how many they ask for at once. (A session of its own each time cost 8 ms, more than the rows of most inputs.)
 */
export async function exportStates(
  db: Database,
  wanted: StatesExport,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const copy = async (tx: Transaction) => {
    const rows = tx.copyTo(copyStatement(wanted))
    const csv = createWriteStream(file)
    csv.write(headerOf(wanted.attributes))
    await pipeline(rows, csv, { signal })
  }
  await db.transaction(copy, { readOnly: true, statementTimeoutMs: 0 })
}

/** Written here, because PostgreSQL would cut a name that is longer than 63 bytes. */
const headerOf = (attributes: readonly string[]) => `${['ID', 'Timestamp', ...attributes].map(quoted).join(',')}\n`

const quoted = (name: string) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)

/** The rows without a header. COPY takes no parameters, so every value is written as an escaped literal. */
function copyStatement(wanted: StatesExport): string {
  const literal = (text: string) => pg.escapeLiteral(text)
  const array = (texts: readonly string[]) => `array[${texts.map(literal).join(', ')}]::text[]`
  const cells = wanted.attributes.map((name) => `, csv_cell(doc -> ${literal(name)})`)
  return `copy (
    select device_id, ts${cells.join('')}
    from (
      select device_id, ts, jsonb_merge(doc order by seq) as doc from hot_states
      where device_id = any (${array(wanted.deviceIds)})
        and ts >= ${Math.ceil(wanted.from)} and ts < ${Math.ceil(wanted.to)}
        and doc ?| ${array(wanted.attributes)}
      group by device_id, ts
    ) merged
    order by device_id collate "C", ts
  ) to stdout (format csv)`
}
