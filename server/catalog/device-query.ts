/** What a query may ask about devices (behaviour dossier §3.9), each field as the SQL over a row of `devices`. */

import { translateEach, translateScalar } from '../query/conditions.ts'
import { type EachField, knownFields, type QueryField, type ScalarField } from '../query/fields.ts'
import { tagListField } from '../query/tags.ts'
import { translateQuery } from '../query/translate.ts'

const moment = (column: string): QueryField => ({ sql: `to_timestamp(devices.${column} / 1000.0)`, type: 'time' })

const STATUS: ScalarField = { sql: 'devices.connected', type: 'boolean' }

/** 1, 0 and null as in `connectionInfo.connected`; also true and false, and the words of `setConnectionStatus`. */
const STATUS_WORDS = new Map<unknown, boolean>([
  ['connected', true],
  ['disconnected', false],
  ['1', true],
  ['0', false],
  [1, true],
  [0, false],
])

/** Users of experiences do not exist here, so no device has any: only null, and denials, match. */
const NOBODY: QueryField = { sql: 'null::text', type: 'id' }

const FIELDS: Readonly<Record<string, QueryField>> = {
  id: { sql: 'devices.id', type: 'id' },
  creationDate: { sql: 'devices.created_at', type: 'time' },
  lastUpdated: { sql: 'devices.updated_at', type: 'time' },
  deletedAt: { sql: 'devices.deleted_at', type: 'time' },
  name: { sql: 'devices.name', type: 'string' },
  deviceClass: { sql: 'devices.device_class', type: 'string' },
  gatewayId: { sql: 'devices.gateway_id', type: 'id' },
  parentId: { sql: 'devices.parent_id', type: 'id' },
  ancestorId: withIndex(
    { each: 'unnest(devices.ancestor_ids) as ancestor (id)', sql: 'ancestor.id', type: 'id' },
    (ids) => `devices.ancestor_ids && (select array_agg(lower(id)) from unnest(${ids}) as given (id))`,
  ),
  attributeName: withIndex(
    { each: 'jsonb_to_recordset(devices.attributes) as attribute (name text)', sql: 'attribute.name', type: 'string' },
    (names) => `jsonb_path_query_array(devices.attributes, '$[*].name') ?| ${names}`,
  ),
  experienceUserId: NOBODY,
  experienceGroupId: NOBODY,
  tags: tagListField('devices.tags'),
  connectedAt: moment('connected_ts'),
  disconnectedAt: moment('disconnected_ts'),
  connectionStatus: { custom: (value, path, values) => translateScalar(STATUS, toStatus(value), path, values) },
}

const fields = knownFields(FIELDS)

/**
 * The condition of a query over `devices`, ready to stand after `where … and`; its values are pushed on `values`.
 * @throws invalid naming the path of the fault
 */
export const deviceCondition = (query: unknown, values: unknown[], path = 'query'): string =>
  translateQuery(query, fields, values, path)

/** A field of many values that an index can look up: what is asked for exactly is also asked in the index's own words. */
function withIndex(field: EachField, anyOf: (values: string) => string): QueryField {
  return {
    custom: (value, path, values) => {
      const exact = translateEach(field, value, path, values)
      const wanted = equalsAnyOf(value)
      return wanted ? `${anyOf(`$${values.push(wanted)}::text[]`)} and ${exact}` : exact
    },
  }
}

/** The texts one of which is asked for, when nothing else is. */
function equalsAnyOf(value: unknown): string[] | undefined {
  const isText = (item: unknown) => typeof item === 'string'
  if (isText(value)) return [value]
  if (typeof value !== 'object' || value === null) return undefined
  const [[name, operand] = [], ...others] = Object.entries(value)
  if (others.length > 0) return undefined
  if (name === '$eq' && isText(operand)) return [operand]
  return name === '$in' && Array.isArray(operand) && operand.every(isText) ? operand : undefined
}

function toStatus(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toStatus)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, name === '$ci' ? part : toStatus(part)]),
    )
  }
  return STATUS_WORDS.get(value) ?? value
}
