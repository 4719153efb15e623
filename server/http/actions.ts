/**
 * Where things live and what can be done with them, from the routes themselves: what a `_links.self` and the `_actions`
 * of an answer are made of (behaviour dossier §6.6).
 */

import type { Route } from '../../contract/route.ts'

/** An action by its name, as one asks for it: the path is still a pattern. */
export interface Action {
  readonly name: string
  readonly route: Route
}

/** The route that gives a thing of this kind, of several the one on the way of the route that was asked. */
export function homeOf(routes: readonly Route[], entity: string, asked: Route): Route | undefined {
  const homes = routes.filter((route) => route.method === 'GET' && route.entity === entity)
  const shared = (route: Route) => sharedSegments(route.path, asked.path)
  return homes.toSorted((a, b) => shared(b) - shared(a))[0]
}

function sharedSegments(a: string, b: string): number {
  const [first, second] = [a.split('/'), b.split('/')]
  const different = first.findIndex((segment, index) => segment !== second[index])
  return different < 0 ? first.length : different
}

/** What its resource has at the path of a thing, or right below it; each action once. */
export function actionsOf(routes: readonly Route[], home: Route): Action[] {
  const found = new Map<string, Route>()
  for (const route of routes) {
    const [resource, name = ''] = route.operation.split('.')
    const below = route.path.startsWith(`${home.path}/`) ? route.path.slice(home.path.length) : ''
    if (resource !== home.operation.split('.')[0] || (route.path !== home.path && below === '')) continue
    if (below.includes(':')) continue
    const known = found.get(name)
    if (!known || isCloser(route, known, name)) found.set(name, route)
  }
  return [...found].map(([name, route]) => ({ name, route }))
}

/** Of the routes that share a scope the one that is called like it is meant, else the one of the thing itself. */
function isCloser(route: Route, known: Route, name: string): boolean {
  const isNamed = ({ path }: Route) => path.endsWith(`/${name}`)
  if (isNamed(route) !== isNamed(known)) return isNamed(route)
  return route.path.length < known.path.length
}

/** The paths of things at a pattern, by what their last part is called where that is a parameter; the rest is filled in once. */
export function pathsAt(
  pattern: string,
  params: Readonly<Record<string, string>>,
): (own: string | undefined) => string {
  const cut = pattern.lastIndexOf('/')
  const fill = (segment: string) =>
    segment.startsWith(':') ? encodeURIComponent(params[segment.slice(1)] ?? '') : segment
  const above = pattern.slice(0, cut).split('/').map(fill).join('/')
  const last = pattern.slice(cut + 1)
  const given = fill(last)
  if (!last.startsWith(':')) return () => `${above}/${given}`
  return (own) => `${above}/${own === undefined ? given : encodeURIComponent(own)}`
}
