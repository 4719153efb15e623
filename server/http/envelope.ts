/**
 * `_type`, `_links` and `_actions` around what routes answer, as the original adds them unless asked not to (behaviour
 * dossier §6.6). `_embedded` may be sent with any word: nothing of ours is embedded. Items of a list have no actions,
 * because a hundred of them would be more text than the items.
 */

import type { Route } from '../../contract/route.ts'
import { type Action, actionsOf, homeOf, pathsAt } from './actions.ts'

const YES = new Set(['true', '1', 'yes'])

/** Whether a query parameter says yes. */
export const isYes = (value: unknown): boolean => YES.has(String(value).toLowerCase())

/** Absent or empty is yes; anything but a word for yes is no. */
const wanted = (value: unknown) => value === undefined || value === '' || isYes(value)

/** The request that is answered. */
export interface Asked {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  /** Whether its caller may ask for another route of the same application. */
  readonly may: (route: Route) => boolean
}

export type Wrap = (asked: Asked, answer: unknown) => unknown

interface Place {
  readonly path: string
  readonly actions: readonly Action[]
}

/** Wraps answers of these routes, which may still be growing until the first answer. */
export function createEnvelope(routes: readonly Route[]): Wrap {
  const places = new Map<string, Place | undefined>()
  /** Where things of a kind live, seen from a route; found once for each. */
  const placeOf = (entity: string, route: Route): Place | undefined => {
    const key = `${entity} ${route.method} ${route.path}`
    if (!places.has(key)) {
      const home = homeOf(routes, entity, route)
      places.set(key, home && { path: home.path, actions: actionsOf(routes, home) })
    }
    return places.get(key)
  }
  return (asked, answer) => {
    const { route, params, query, may } = asked
    if (route.entity === null || typeof answer !== 'object' || answer === null) return answer
    // The published spelling answers minutes by day where the notebook is: plain, as at their own path.
    if (!('id' in answer) && !('items' in answer) && !(route.entity in NAMED)) return answer
    const [withLinks, withActions] = [wanted(query['_links']), wanted(query['_actions'])]
    const wrapper = (type: string, isItem: boolean) => {
      const place = placeOf(type, route)
      const pathOf = place && pathsAt(place.path, params)
      const name = NAMED[type] ?? 'id'
      return (body: object) => {
        const own: unknown = Reflect.get(body, name)
        const href = pathOf?.(own === undefined ? undefined : String(own))
        return {
          ...body,
          _type: type,
          ...(withLinks && href !== undefined ? { _links: { self: { href } } } : {}),
          ...(withActions && place && href !== undefined && !isItem ? { _actions: told(place, may, href) } : {}),
        }
      }
    }
    if (!('items' in answer) || !Array.isArray(answer.items)) return wrapper(route.entity, false)(answer)
    const type = ITEMS[route.entity]
    const items = type ? answer.items.map(wrapper(type, true)) : answer.items
    return wrapper(route.entity, false)({ ...answer, items })
  }
}

function told({ path, actions }: Place, may: Asked['may'], href: string) {
  const allowed = actions.filter(({ route }) => may(route))
  return Object.fromEntries(
    allowed.map(({ name, route }) => [name, { href: href + route.path.slice(path.length), method: route.method }]),
  )
}

/** What has no id but a name that its path ends with. */
const NAMED: Record<string, string> = { deviceAttribute: 'name' }

/** Rows of data tables are left alone: their columns' names are their users'. */
const ITEMS: Record<string, string> = {
  applications: 'application',
  devices: 'device',
  deviceAttributes: 'deviceAttribute',
  dataTables: 'dataTable',
  events: 'event',
  apiTokens: 'apiToken',
  applicationKeys: 'applicationKey',
  applicationJobLogs: 'applicationJobLog',
  deliveries: 'delivery',
  files: 'file',
  privateFiles: 'privateFile',
  notebooks: 'notebook',
  backfills: 'backfill',
  schedules: 'schedule',
  users: 'user',
}
