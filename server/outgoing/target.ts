/** Reads the URL of an outgoing request, as far as it can be judged without a look at the network. */

import { isIP } from 'node:net'
import { invalid } from '../ground/errors.ts'
import { redactText } from '../ground/redact.ts'

/** Longer than any URL the API takes. */
const MAX_LENGTH = 2048

/** Names that mean the machine itself or its neighbours, whatever a resolver says of them (RFC 6761, RFC 6762, RFC 8375). */
const LOCAL_NAMES = /^(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|home\.arpa|lan)$/

/**
 * The URL of a request. WHATWG parsing has turned decimal, octal and hexadecimal hosts into plain addresses by then.
 * @throws invalid for what is no http or https URL, has a user name in it, or names this machine while `isGuarded`
 */
export function parseTarget(text: string, isGuarded: boolean): URL {
  if (text.length > MAX_LENGTH) throw invalid(`A URL may have ${MAX_LENGTH} characters`)
  const url = URL.parse(text)
  if (!url) throw invalid(`"${redactText(shorten(text))}" is not a URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid(`"${redactText(shorten(text))}" must start with http:// or https://`)
  if (url.username || url.password) throw invalid(`The URL for ${url.host} must not hold a user name or password`)
  if (isGuarded && !isIP(hostOf(url)) && LOCAL_NAMES.test(url.hostname.replace(/\.+$/, ''))) throw privateTarget(url)
  return url
}

/** The host as sockets take it: without the brackets of IPv6. */
export const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$/g, '')

/** Cause: a URL leads into a private network, or to this machine. Handled by: a public URL, or an operator who allows it. */
export const privateTarget = (url: URL) =>
  invalid(
    `${url.origin} is at a private address, which this installation does not send requests to (FIELDBOOK_ALLOW_PRIVATE_ADDRESSES)`,
  )

const shorten = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}…` : text)
