/** The connection log of devices: written by whoever speaks for them, read back by time. */

import type { ConnectionStatus, DeviceLogEntry } from '../../contract/connections.ts'
import type { RangeQuery, TimeFormats } from '../../contract/shapes.ts'
import { invalid } from '../ground/errors.ts'
import { parseMoment } from '../ground/moments.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { appendConnections, type Connection, readConnections } from '../stores/telemetry/connections.ts'
import { getDevice } from './devices.ts'
import { rangeOf } from './time-range.ts'

const MAX_AHEAD_MS = 24 * 3_600_000

/**
 * Writes that a device connected or disconnected, now unless a time is given. When it disconnected and also says since
 * when it had been connected, the log gets that entry too, unless it has it.
 * @throws notFound, invalid when a time is none, lies more than a day ahead, or the end before the beginning
 */
export async function setConnectionStatus(
  db: Database,
  applicationId: string,
  deviceId: string,
  status: ConnectionStatus,
  now: Date,
): Promise<void> {
  const entries = entriesOf(status, now)
  await db.transaction(async (tx) => {
    await getDevice(tx, applicationId, deviceId)
    const missing = await withoutKnown(tx, deviceId, entries)
    await appendConnections(tx, applicationId, deviceId, missing)
  })
}

function entriesOf(status: ConnectionStatus, now: Date): Connection[] {
  const { ipAddress } = status
  const connectedAt = momentOf('connectedAt', status.connectedAt, now)
  if (status.status === 'connected') return [{ ts: connectedAt ?? now.getTime(), connected: true, ipAddress }]
  const ts = momentOf('disconnectedAt', status.disconnectedAt, now) ?? now.getTime()
  if (connectedAt !== undefined && connectedAt > ts) {
    throw invalid('connectionStatus.disconnectedAt must not be before connectionStatus.connectedAt')
  }
  const { disconnectReason, messagesFromClient, messagesToClient } = status
  const disconnected = { ts, connected: false, disconnectReason, messagesFromClient, messagesToClient, ipAddress }
  return connectedAt === undefined ? [disconnected] : [{ ts: connectedAt, connected: true, ipAddress }, disconnected]
}

function momentOf(field: string, time: TimeFormats | undefined, now: Date): number | undefined {
  if (time === undefined) return undefined
  const moment = parseMoment(time, now)?.getTime()
  if (moment === undefined || moment > now.getTime() + MAX_AHEAD_MS) {
    throw invalid(`connectionStatus.${field} must be a time not more than a day ahead: ISO 8601 or epoch milliseconds`)
  }
  return moment
}

/** A disconnection repeats when the connection began; who connected has told it already. */
async function withoutKnown(db: Queryable, deviceId: string, entries: readonly Connection[]): Promise<Connection[]> {
  const [first, ...rest] = entries
  if (!first || rest.length === 0) return [...entries]
  const known = await db.query(`select from connections where device_id = $1 and ts = $2 and connected limit 1`, [
    deviceId,
    first.ts,
  ])
  return known.length > 0 ? rest : [...entries]
}

/** The connection log of a device. @throws notFound, invalid as `rangeOf` */
export async function listLogEntries(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  query: RangeQuery,
  now: Date,
): Promise<DeviceLogEntry[]> {
  await getDevice(db, applicationId, deviceId)
  const entries = await readConnections(db, deviceId, rangeOf(query, now))
  return entries.map(toLogEntry)
}

/** Only what the entry says; a text left empty says nothing. */
const toLogEntry = (entry: Connection): DeviceLogEntry => ({
  time: new Date(entry.ts).toISOString(),
  connected: entry.connected ? 1 : 0,
  ...(entry.disconnectReason ? { disconnectReason: entry.disconnectReason } : {}),
  ...(entry.messagesFromClient === undefined ? {} : { messagesFromClient: entry.messagesFromClient }),
  ...(entry.messagesToClient === undefined ? {} : { messagesToClient: entry.messagesToClient }),
  ...(entry.ipAddress ? { ipAddress: entry.ipAddress } : {}),
})
