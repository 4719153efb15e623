/** What a query may ask about events (behaviour dossier §3.9), and the plainer filters of lists. */

import type { EventState } from '../../contract/application-events.ts'
import { givenFilter, globToLike } from '../ground/glob.ts'
import { knownFields, type QueryField } from '../query/fields.ts'
import { readQuery } from '../query/parse.ts'
import { tagMapField } from '../query/tags.ts'
import { translateQuery } from '../query/translate.ts'

/** Users of experiences do not exist here, so no event is about one: only null, and denials, match. */
const NOBODY: QueryField = { sql: 'null::text', type: 'id' }

const fields = knownFields({
  id: { sql: 'events.id', type: 'string' },
  creationDate: { sql: 'events.created_at', type: 'time' },
  lastUpdated: { sql: 'events.updated_at', type: 'time' },
  sourceId: { sql: 'events.source_id', type: 'string' },
  sourceType: { sql: 'events.source_type', type: 'string' },
  level: { sql: 'events.level', type: 'string' },
  state: { sql: 'events.state', type: 'string' },
  subject: { sql: 'events.subject', type: 'string' },
  deviceId: { sql: 'events.device_id', type: 'string' },
  experienceUserId: NOBODY,
  experienceGroupId: NOBODY,
  eventTags: tagMapField('events.tags'),
})

/** Which events are meant; a query that is there takes the place of the others. */
export interface EventChoice {
  readonly query?: unknown
  /** For the subject: `*` and `?`, in any case. */
  readonly filter?: string | undefined
  readonly state?: EventState | '' | undefined
}

/**
 * The condition of a choice over `events`, the application included; its values are pushed on `values`.
 * @throws invalid naming the path of a fault in the query
 */
export function eventCondition(applicationId: string, choice: EventChoice, values: unknown[], path = 'query'): string {
  const terms = [`events.application_id = $${values.push(applicationId)}`]
  const query = readQuery(choice.query, path)
  if (query !== undefined) {
    terms.push(translateQuery(query, fields, values, path))
  } else {
    const filter = givenFilter(choice.filter)
    if (filter !== undefined) terms.push(`lower(events.subject) like lower($${values.push(globToLike(filter))})`)
    if (choice.state) terms.push(`events.state = $${values.push(choice.state)}`)
  }
  return terms.join(' and ')
}
