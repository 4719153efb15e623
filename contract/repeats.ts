/** Which operations take an Idempotency-Key, and which only look as if they changed something. */

import type { Route } from './route.ts'

/** A POST because they have a body, and nothing is changed by them. */
const QUERIES = new Set(['data.timeSeriesQuery', 'data.lastValueQuery', 'dataTableRows.query'])

/** Whether an operation changes something, or may. */
export const changes = ({ method, operation }: Pick<Route, 'method' | 'operation'>): boolean =>
  method !== 'GET' && !QUERIES.has(operation)

/** Whether the same request with the same key is done once. What is uploaded again replaces what was, so it needs none. */
export const takesKey = (route: Pick<Route, 'method' | 'operation' | 'authenticated' | 'file'>): boolean =>
  route.method === 'POST' && route.authenticated && route.file === null && changes(route)
