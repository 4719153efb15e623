/** What a query may ask about access keys (the published advancedApplicationKeyQuery), each field as the SQL over a row. */

import { knownFields, type QueryField } from '../query/fields.ts'
import { tagListField } from '../query/tags.ts'
import { translateQuery } from '../query/translate.ts'

const told = (name: string): QueryField => ({ sql: `(application_keys.told ->> '${name}')`, type: 'string' })
const eachTold = (name: string): QueryField => ({
  each: `jsonb_array_elements_text(application_keys.told -> '${name}') as told (item)`,
  sql: 'told.item',
  type: 'string',
})

const fields = knownFields({
  id: { sql: 'application_keys.id', type: 'id' },
  creationDate: { sql: 'application_keys.created_at', type: 'time' },
  lastUpdated: { sql: 'application_keys.updated_at', type: 'time' },
  status: { sql: 'application_keys.status', type: 'string' },
  deviceIds: { each: 'unnest(application_keys.device_ids) as device (id)', sql: 'device.id', type: 'id' },
  deviceTags: tagListField('application_keys.device_tags'),
  key: { sql: 'application_keys.key', type: 'string' },
  name: { sql: 'application_keys.name', type: 'string' },
  description: { sql: 'application_keys.description', type: 'string' },
  filterType: told('filterType'),
  pubTopics: eachTold('pubTopics'),
  subTopics: eachTold('subTopics'),
  addressFilterType: told('addressFilterType'),
  addresses: eachTold('addresses'),
})

/**
 * The condition of a query over `application_keys`; its values are pushed on `values`.
 * @throws invalid naming the path of the fault
 */
export const applicationKeyCondition = (query: unknown, values: unknown[], path = 'query'): string =>
  translateQuery(query, fields, values, path)
