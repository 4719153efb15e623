/** What is known of devices as a file, for notebooks and for people: a line of CSV or a JSON object for each device. */

import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Device } from '../../contract/devices.ts'
import { csvLine } from '../ground/csv.ts'
import type { Database, Queryable, Transaction } from '../stores/postgres/database.ts'
import { chosenDevices, type DeviceChoice } from './device-choice.ts'
import { type DeviceRow, toDevice } from './device-record.ts'

export type MetadataFormat = 'csv' | 'json'

export interface MetadataExport {
  readonly applicationId: string
  readonly choice: DeviceChoice
  readonly format: MetadataFormat
  /** Where messages say that a faulty query stands; `query` unless given. */
  readonly queryPath?: string
}

/** Devices are held in memory so many at once that they have about this size; one may have up to ten megabytes. */
const BATCH_BYTES = 4_000_000
const FIRST_BATCH = 10
const LARGEST_BATCH = 500

/** Stands between the values of a tag key that a device has more than once. */
const JOIN = '|'

/**
 * Writes the chosen devices by id, as they are at one moment. CSV has a column for each tag key that any of them has, in
 * the order of their code points; JSON is an array of what `GET device` gives. Without devices it is the header, or `[]`.
 * Holds a session of the pool meanwhile. Gives how many devices there were.
 * @throws invalid naming a fault of the query
 */
export async function exportDeviceMetadata(
  db: Database,
  wanted: MetadataExport,
  file: string,
  signal: AbortSignal,
): Promise<number> {
  const values: unknown[] = []
  const chosen = chosenDevices(wanted.applicationId, wanted.choice, values, wanted.queryPath)
  let count = 0
  async function* counted(batches: AsyncIterable<Device[]>) {
    for await (const devices of batches) {
      count += devices.length
      yield devices
    }
  }
  await db.transaction(
    async (tx) => {
      const devices = counted(readInBatches(tx, chosen, values))
      const text = wanted.format === 'json' ? asJson(devices) : asCsv(await tagKeys(tx, chosen, values), devices)
      await pipeline(text, createWriteStream(file), { signal })
    },
    { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: 0 },
  )
  return count
}

async function* readInBatches(tx: Transaction, chosen: string, values: readonly unknown[]): AsyncGenerator<Device[]> {
  await tx.query(
    `declare chosen no scroll cursor for select * from devices where ${chosen} order by id collate "C"`,
    values,
  )
  let size = FIRST_BATCH
  for (;;) {
    const rows = await tx.query<DeviceRow>(`fetch ${size} from chosen`)
    if (rows.length > 0) yield rows.map(toDevice)
    if (rows.length < size) break
    const fitting = (BATCH_BYTES / rows.reduce((sum, row) => sum + weightOf(row), 0)) * size
    size = Math.max(1, Math.min(Math.floor(fitting), 4 * size, LARGEST_BATCH))
  }
}

/** About how many bytes a device takes: what is long of it are its descriptions. */
const weightOf = ({ description, attributes, tags }: DeviceRow) =>
  attributes.reduce(
    (sum, attribute) => sum + 200 + (attribute.description?.length ?? 0),
    1000 + tags.length * 100 + (description?.length ?? 0),
  )

async function tagKeys(tx: Queryable, chosen: string, values: readonly unknown[]): Promise<string[]> {
  const rows = await tx.query<{ key: string }>(
    `select distinct tag.key collate "C" as key from devices, jsonb_to_recordset(tags) as tag (key text)
     where ${chosen} order by 1`,
    values,
  )
  return rows.map(({ key }) => key)
}

const TITLES = [
  'ID',
  'Name',
  'Description',
  'Device Class',
  'Creation Date',
  'Last Updated',
  'Parent ID',
  'Gateway ID',
] as const

async function* asCsv(keys: readonly string[], batches: AsyncIterable<Device[]>): AsyncGenerator<string> {
  yield csvLine([...TITLES, ...keys.map(titleOf)])
  for await (const devices of batches) yield devices.map((device) => lineOf(device, keys)).join('')
}

/** A tag called as one of our own columns would make two of one name; readers of CSV tell apart by it, in any case. */
const titleOf = (key: string) =>
  TITLES.some((title) => title.toLowerCase() === key.toLowerCase()) ? `Tag ${key}` : key

function lineOf(device: Device, keys: readonly string[]): string {
  const values = Map.groupBy(device.tags, ({ key }) => key)
  return csvLine([
    device.id,
    device.name,
    device.description,
    device.deviceClass,
    device.creationDate,
    device.lastUpdated,
    device.parentId,
    device.gatewayId,
    ...keys.map((key) =>
      values
        .get(key)
        ?.map(({ value }) => value)
        .join(JOIN),
    ),
  ])
}

async function* asJson(batches: AsyncIterable<Device[]>): AsyncGenerator<string> {
  let separator = '['
  for await (const devices of batches) {
    for (const device of devices) {
      yield `${separator}${JSON.stringify(device)}`
      separator = ',\n'
    }
  }
  yield separator === '[' ? '[]\n' : ']\n'
}
