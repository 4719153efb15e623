/** Where a redirect leads, if it may be followed at all. */

import { invalid } from '../ground/errors.ts'
import { badStatus } from './bounds.ts'
import { checkTarget, type Network } from './network.ts'

/** In a row; browsers follow twenty, and nobody needs more than two. */
export const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Where an answer leads on to, checked like the first URL; undefined when it is the last one.
 * @throws invalid when it leads nowhere, to where no request may go, or from https to http
 */
export function nextHop(
  from: URL,
  status: number,
  location: string | string[] | undefined,
  network: Network,
): URL | undefined {
  if (!REDIRECTS.has(status)) return undefined
  const url = location ? URL.parse(String(location), from.href) : null
  if (!url) throw badStatus(from.origin + from.pathname, status, ' and no place to go on to')
  const to = checkTarget(url.href, network)
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw invalid(`${from.origin} redirects from https to http, which is not followed`)
  return to
}
