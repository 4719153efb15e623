/** `_type` and `_links` around what routes answer, as the original adds them unless asked not to (dossier §6.6). */

import type { Route } from '../../contract/route.ts'

const YES = new Set(['true', '1', 'yes'])

/** Whether a query parameter says yes. */
export const isYes = (value: unknown): boolean => YES.has(String(value).toLowerCase())

/** Absent or empty is yes; anything but a word for yes is no. */
const wanted = (value: unknown) => value === undefined || value === '' || isYes(value)

/** The answer of an entity route with its type, its link and, for a list, those of its items. */
export function wrap(route: Route, answer: unknown, url: string, query: Record<string, unknown>): unknown {
  const path = url.replace(/\/$/, '')
  if (route.entity === null || typeof answer !== 'object' || answer === null) return answer
  // The published spelling answers minutes by day where the notebook is: plain, as at their own path.
  if (!('id' in answer) && !('items' in answer) && !(route.entity in NAMED)) return answer
  const withLinks = wanted(query['_links'])
  const entity = (type: string, body: object, href: string) => ({
    ...body,
    _type: type,
    ...(withLinks ? { _links: { self: { href } } } : {}),
  })
  if ('items' in answer && Array.isArray(answer.items)) {
    const type = itemType(route.entity)
    const items = type
      ? answer.items.map((item) => entity(type, item, `${itemPath(path, type)}/${item[NAMED[type] ?? 'id']}`))
      : answer.items
    return entity(route.entity, { ...answer, items }, path)
  }
  // An action upon a thing answers the thing; a creating POST what then lives one level below.
  const acted = path.replace(/\/(?:upload|move|globals)$/, '')
  const last = new Map(Object.entries(answer)).get(NAMED[route.entity] ?? 'id')
  const creates = route.method === 'POST' && route.status === 201 && acted === path && last !== undefined
  return entity(route.entity, answer, creates ? `${itemPath(path, route.entity)}/${last}` : acted)
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

const itemType = (entity: string) => ITEMS[entity]

/** A single file lives under `/file/`, unlike its list. */
const itemPath = (path: string, type: string) => (type === 'file' ? path.replace(/\/files$/, '/file') : path)
