/** Examples of requests and answers, put together from those of the schemas they are made of. */

import type { Route } from '../route.ts'
import { recordOf, type Schemas } from './schemas.ts'

interface Known {
  readonly schemas: Schemas
  readonly examples: ReadonlyMap<string, unknown>
}

/** The example of a schema with a name; of a list of such, a list of one; of a choice, that of the first that has one. */
export function schemaExample(schema: unknown, known: Known): unknown {
  const name = known.schemas.nameOf(schema)
  if (name !== undefined && known.examples.has(name)) return known.examples.get(name)
  const { type, items, anyOf } = recordOf(schema)
  if (Array.isArray(anyOf)) return anyOf.map((branch) => schemaExample(branch, known)).find((one) => one !== undefined)
  if (type !== 'array') return undefined
  const item = schemaExample(items, known)
  return item === undefined ? undefined : [item]
}

/** The example of an answer as it is sent: a list with what lists tell, entities with their type and link. */
export function replyExample(reply: unknown, route: Route, known: Known): unknown {
  const { properties } = recordOf(reply)
  const { items, page, applicationId } = recordOf(properties)
  const whole = schemaExample(reply, known)
  if (whole !== undefined || !items || !page) return entityOf(whole, route)
  const item = schemaExample(recordOf(items)['items'], known)
  if (item === undefined) return undefined
  const place = recordOf(item)
  return entityOf(
    {
      items: [item],
      count: 1,
      totalCount: 1,
      perPage: 100,
      page: 0,
      sortField: sortFieldOf(route),
      sortDirection: 'asc',
      ...(applicationId && /:applicationId\b/.test(route.path) ? { applicationId: place['applicationId'] } : {}),
      ...('parentExists' in recordOf(properties) ? { parentExists: true } : {}),
    },
    route,
  )
}

function sortFieldOf({ query }: Route): string {
  const words = recordOf(recordOf(recordOf(query)['properties'])['sortField'])['enum']
  return Array.isArray(words) ? String(words[0]) : 'id'
}

function entityOf(example: unknown, { entity }: Route): unknown {
  return entity === null || example === undefined ? example : { ...recordOf(example), _type: entity }
}
