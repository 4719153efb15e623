/** The words devices of an application use, for those who fill in forms and queries. */

import { MAX_WORDS } from '../../contract/device-words.ts'
import type { AttributeType, DeviceClass } from '../../contract/devices.ts'
import { readQuery } from '../query/parse.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { chosenDevices } from './device-choice.ts'

export interface WordsQuery {
  /** Which devices count, as an object or JSON text; all of them when it is blank or absent. */
  readonly query?: unknown
  /** Only words that begin so, in any case. */
  readonly startsWith?: string
}

/** The names of attributes, of the given types or of all. @throws invalid naming a fault of the query */
export async function attributeNames(
  db: Queryable,
  applicationId: string,
  { dataType, ...words }: WordsQuery & { readonly dataType?: AttributeType | readonly AttributeType[] },
): Promise<string[]> {
  const values: unknown[] = []
  const types = typeof dataType === 'string' ? [dataType] : dataType
  const ofType = types ? ` and attribute."dataType" = any ($${values.push(types)}::text[])` : ''
  const source = `jsonb_to_recordset(attributes) as attribute (name text, "dataType" text)`
  return distinct(db, applicationId, words, { source, column: 'attribute.name', condition: ofType, values })
}

/** The keys of tags. @throws invalid naming a fault of the query */
export async function tagKeys(db: Queryable, applicationId: string, words: WordsQuery): Promise<string[]> {
  const source = 'jsonb_to_recordset(tags) as tag (key text)'
  return distinct(db, applicationId, words, { source, column: 'tag.key', condition: '', values: [] })
}

/** The values of one tag key. @throws invalid naming a fault of the query */
export async function tagValues(
  db: Queryable,
  applicationId: string,
  { key, ...words }: WordsQuery & { readonly key: string },
): Promise<string[]> {
  // The containment is there for the index; the other term picks the tag among those of its device.
  const values = [key, JSON.stringify([{ key }])]
  const condition = ' and tag.key = $1 and tags @> $2::jsonb'
  const source = 'jsonb_to_recordset(tags) as tag (key text, value text)'
  return distinct(db, applicationId, words, { source, column: 'tag.value', condition, values })
}

/** Names, ids and classes of devices by name. @throws invalid naming a fault of the query */
export async function deviceNames(
  db: Queryable,
  applicationId: string,
  words: WordsQuery,
): Promise<{ id: string; name: string; deviceClass: DeviceClass }[]> {
  const values: unknown[] = []
  return db.query(
    `select id, name, device_class as "deviceClass" from devices
     where ${devicesOf(applicationId, words, values)}${startsWith('name', words, values)}
     order by name, id limit ${MAX_WORDS}`,
    values,
  )
}

interface Words {
  /** Trusted SQL, as `values` and the condition are. */
  readonly source: string
  readonly column: string
  readonly condition: string
  readonly values: unknown[]
}

async function distinct(
  db: Queryable,
  applicationId: string,
  words: WordsQuery,
  { source, column, condition, values }: Words,
): Promise<string[]> {
  const rows = await db.query<{ word: string }>(
    `select distinct ${column} collate "C" as word from devices, ${source}
     where ${devicesOf(applicationId, words, values)}${condition}${startsWith(column, words, values)}
     order by 1 limit ${MAX_WORDS}`,
    values,
  )
  return rows.map(({ word }) => word)
}

const devicesOf = (applicationId: string, { query }: WordsQuery, values: unknown[]) =>
  chosenDevices(applicationId, { query: readQuery(query, 'query') ?? {} }, values)

const startsWith = (column: string, { startsWith: start }: WordsQuery, values: unknown[]) =>
  start ? ` and starts_with(lower(${column}), lower($${values.push(start)}::text))` : ''
