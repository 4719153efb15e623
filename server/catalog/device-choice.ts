/** Devices as inputs, time series and exports choose them: by ids, by tags, or by a query. */

import type { Device, TagFilter } from '../../contract/devices.ts'
import { seenBy } from '../access/device-sight.ts'
import { invalid } from '../ground/errors.ts'
import { readQuery } from '../query/parse.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { deviceCondition } from './device-query.ts'
import { type DeviceRow, toDevice } from './device-record.ts'

export interface DeviceChoice {
  readonly deviceIds?: readonly string[] | undefined
  /** A tag with only a key matches any value, with only a value any key; one without either matches nothing. */
  readonly deviceTags?: TagFilter | undefined
  /** An object, or JSON text of one. When it is there and not blank, ids and tags do not count. */
  readonly query?: unknown
  /** The device that asks: whatever is chosen, it gets only what it may see (access/device-sight.ts). */
  readonly within?: string | undefined
}

/**
 * The devices that a choice means, by id: those of the query; without one, those with one of the ids or one of the tags.
 * Nothing given chooses none, the empty query `{}` all. Deleted ones are never chosen. With a limit only the first.
 * @throws invalid naming the fault of the query, at `path`
 */
export async function chooseDevices(
  db: Queryable,
  applicationId: string,
  choice: DeviceChoice,
  path = 'query',
  limit?: number,
): Promise<Device[]> {
  const values: unknown[] = []
  const chosen = chosenDevices(applicationId, choice, values, path)
  const most = limit === undefined ? '' : `limit $${values.push(limit)}`
  const rows = await db.query<DeviceRow>(
    `select * from devices where ${chosen} order by id collate "C" ${most}`,
    values,
  )
  return rows.map(toDevice)
}

/** What a request says of the devices it means, with its query under the name it has in bodies. */
export interface DeviceSelection extends Omit<DeviceChoice, 'query' | 'within'> {
  readonly deviceQuery?: unknown
}

/** How many devices one answer speaks of at most. */
const FEW = 1000

/**
 * The devices of a request that is answered at once, as far as the device `within`, if it is one that asks, may see them.
 * @throws invalid when there are more than 1,000, or as chooseDevices
 */
export async function chooseFew(
  db: Queryable,
  applicationId: string,
  selection: DeviceSelection,
  within: string | undefined,
): Promise<Device[]> {
  const { deviceQuery: query, deviceIds, deviceTags } = selection
  const choice = { query, deviceIds, deviceTags, within }
  const devices = await chooseDevices(db, applicationId, choice, 'query.deviceQuery', FEW + 1)
  if (devices.length > FEW) throw invalid(`query must mean at most ${FEW} devices, and it means more`)
  return devices
}

/** Only their ids, by id: of a hundred thousand devices the rest would not fit in memory. @throws as chooseDevices */
export async function chooseDeviceIds(
  db: Queryable,
  applicationId: string,
  choice: DeviceChoice,
  path = 'query',
): Promise<string[]> {
  const values: unknown[] = []
  const chosen = chosenDevices(applicationId, choice, values, path)
  const rows = await db.query<{ id: string }>(`select id from devices where ${chosen} order by id collate "C"`, values)
  return rows.map(({ id }) => id)
}

/** An attribute as several devices may declare it. */
export interface DeclaredAttribute {
  readonly name: string
  /** Whether every device that declares it calls it a blob. */
  readonly isBlob: boolean
}

/**
 * The attributes that the chosen devices declare, in the order in which they are first seen when the devices are gone
 * through by id. @throws as chooseDevices
 */
export async function declaredAttributes(
  db: Queryable,
  applicationId: string,
  choice: DeviceChoice,
  path = 'query',
): Promise<DeclaredAttribute[]> {
  const values: unknown[] = []
  const chosen = chosenDevices(applicationId, choice, values, path)
  return db.query<DeclaredAttribute>(
    `select name, bool_and(kind = 'blob') as "isBlob" from (
       select attribute.value ->> 'name' as name, attribute.value ->> 'dataType' as kind,
         row_number() over (order by devices.id collate "C", attribute.ordinality) as place
       from devices cross join lateral jsonb_array_elements(devices.attributes) with ordinality as attribute
       where ${chosen}
     ) seen group by name order by min(place)`,
    values,
  )
}

/** The same as a condition over `devices`, for those who do more than read them all; its values are pushed on `values`. */
export function chosenDevices(applicationId: string, choice: DeviceChoice, values: unknown[], path = 'query'): string {
  const live = `devices.application_id = $${values.push(applicationId)} and devices.deleted_at is null${seenWithin(choice.within, values)}`
  const query = readQuery(choice.query, path)
  if (query !== undefined) return `${live} and ${deviceCondition(query, values, path)}`
  const ids = `devices.id = any ($${values.push((choice.deviceIds ?? []).map((id) => id.toLowerCase()))}::text[])`
  return `${live} and (${[ids, taggedWith(choice.deviceTags ?? [], values)].join(' or ')})`
}

/** What to add to a condition for a device that asks; nothing for whoever sees all. */
export const seenWithin = (within: string | undefined, values: unknown[]): string =>
  within === undefined ? '' : ` and ${seenBy(`$${values.push(within)}::text`)}`

/** The condition that a device has one of the tags; of no tags none has one. */
export function taggedWith(tags: TagFilter, values: unknown[]): string {
  const wanted = tags.filter(({ key, value }) => key !== undefined || value !== undefined)
  if (wanted.length === 0) return 'false'
  // One term for each, because only so does the index on tags answer them.
  const terms = wanted.map((tag) => `devices.tags @> $${values.push(JSON.stringify([tag]))}::jsonb`)
  return `(${terms.join(' or ')})`
}
