/**
 * When devices connected and disconnected: an append-only log, read back by device and time, and written as CSV for
 * notebooks. Times are epoch milliseconds; entries of the same millisecond stand in the order they came in.
 */

import pg from 'pg'
import { writeRows } from '../../ground/write-rows.ts'
import type { Database, Queryable, Transaction } from '../postgres/database.ts'
import type { StateRange } from './slice.ts'

export interface Connection {
  readonly ts: number
  readonly connected: boolean
  readonly disconnectReason?: string | undefined
  readonly messagesFromClient?: number | undefined
  readonly messagesToClient?: number | undefined
  readonly ipAddress?: string | undefined
}

/** Appends entries; when it returns they are durable. The device must exist. */
export async function appendConnections(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  entries: readonly Connection[],
): Promise<void> {
  await db.query(
    `insert into connections (application_id, device_id, ts, connected, disconnect_reason, messages_from_client,
       messages_to_client, ip_address)
     select $1, $2, * from unnest($3::bigint[], $4::boolean[], $5::text[], $6::integer[], $7::integer[], $8::text[])`,
    [
      applicationId,
      deviceId,
      entries.map(({ ts }) => ts),
      entries.map(({ connected }) => connected),
      entries.map(({ disconnectReason }) => disconnectReason ?? null),
      entries.map(({ messagesFromClient }) => messagesFromClient ?? null),
      entries.map(({ messagesToClient }) => messagesToClient ?? null),
      entries.map(({ ipAddress }) => ipAddress ?? null),
    ],
  )
}

interface ConnectionRow {
  ts: number
  connected: boolean
  disconnect_reason: string | null
  messages_from_client: number | null
  messages_to_client: number | null
  ip_address: string | null
}

/** Entries of one device, at most `limit` of them. */
export async function readConnections(db: Queryable, deviceId: string, range: StateRange): Promise<Connection[]> {
  const direction = range.newestFirst ? 'desc' : 'asc'
  const rows = await db.query<ConnectionRow>(
    `select ts, connected, disconnect_reason, messages_from_client, messages_to_client, ip_address from connections
     where device_id = $1 and ($2::bigint is null or ts >= $2) and ($3::bigint is null or ts < $3)
     order by ts ${direction}, seq ${direction} limit $4`,
    [deviceId, range.from ?? null, range.to ?? null, range.limit],
  )
  return rows.map((row) => ({
    ts: row.ts,
    connected: row.connected,
    disconnectReason: row.disconnect_reason ?? undefined,
    messagesFromClient: row.messages_from_client ?? undefined,
    messagesToClient: row.messages_to_client ?? undefined,
    ipAddress: row.ip_address ?? undefined,
  }))
}

/** Forgets entries of devices from `from` on and before `to`, in epoch ms; an open bound is no bound. */
export async function forgetConnections(
  db: Queryable,
  deviceIds: readonly string[],
  range: { readonly from?: number; readonly to?: number } = {},
): Promise<void> {
  await db.query(
    `delete from connections where device_id = any ($1)
       and ($2::bigint is null or ts >= $2) and ($3::bigint is null or ts < $3)`,
    [deviceIds, range.from ?? null, range.to ?? null],
  )
}

export interface ConnectionsExport {
  readonly applicationId: string
  readonly deviceIds: readonly string[]
  /** Epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
}

const HEADER = 'ID,Timestamp,connected,disconnectReason,messagesFromClient,messagesToClient,ipAddress\n'

/**
 * Writes the log of devices as CSV, rows by device id, then time; `connected` is 1 or 0, what an entry does not say is
 * empty. The rows go from PostgreSQL to the file without becoming objects here.
 */
export async function exportConnections(
  db: Database,
  wanted: ConnectionsExport,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const copy = (tx: Transaction) => writeRows(tx.copyTo(copyStatement(wanted)), file, signal, HEADER)
  await db.transaction(copy, { readOnly: true, statementTimeoutMs: 0 })
}

/** COPY takes no parameters, so every value is written as an escaped literal. */
function copyStatement({ applicationId, deviceIds, from, to }: ConnectionsExport): string {
  const ids = deviceIds.map((id) => pg.escapeLiteral(id)).join(', ')
  return `copy (
    select device_id, ts, connected::integer, disconnect_reason, messages_from_client, messages_to_client, ip_address
    from connections
    where application_id = ${pg.escapeLiteral(applicationId)} and device_id = any (array[${ids}]::text[])
      and ts >= ${Math.ceil(from)} and ts < ${Math.ceil(to)}
    order by device_id collate "C", ts, seq
  ) to stdout (format csv)`
}
